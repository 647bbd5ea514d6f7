import { describe, expect, test } from "vitest";
import { sightOfEverything, type Visibility } from "../../src/domain/access/access.ts";
import type { Position } from "../../src/domain/model/installation.ts";
import {
  connected,
  githubApp,
  githubContext,
  jiraContext,
  sites,
  slackContext,
  unique,
  workspace,
} from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What finding installations promises, whatever the database. */
export function describeSelect({ storage, clock }: OpenedStorage): void {
  const { installations } = storage;
  const now = () => clock.now();
  const connectOne = async (team: string, people: readonly string[] = [], owner?: string) => {
    const [made] = await installations.connect(workspace(team, team, people), slackContext(now(), owner));
    if (made === undefined) throw new Error("not connected");
    return made;
  };

  describe("selecting", () => {
    test("needs all that is given to match", async () => {
      const [account, installId, owner] = [unique("org"), unique("i"), unique("owner")];
      const [made] = await installations.connect(githubApp(account, installId), githubContext(now(), owner));
      const all = {
        installationId: made?.id,
        platform: "github",
        externalOrgId: account,
        externalInstallId: installId,
        owner,
        actor: "app" as const,
      };
      const other = { ...all, installationId: crypto.randomUUID(), platform: "slack", actor: undefined };
      expect(await installations.select(all, sightOfEverything, 5)).toHaveLength(1);
      for (const key of ["installationId", "platform", "externalOrgId", "externalInstallId", "owner"] as const) {
        const selector = { ...all, [key]: other[key] === all[key] ? "another" : other[key] };
        expect(await installations.select(selector, sightOfEverything, 5), key).toEqual([]);
        expect(await installations.select({ [key]: all[key], owner }, sightOfEverything, 5), key).toHaveLength(1);
      }
    });

    test("finds a site by each of its products", async () => {
      const site = unique("site");
      await installations.connect(sites(unique("p"), "x", [site]), jiraContext(now()));
      expect(await installations.select({ platform: "jira", externalOrgId: site }, sightOfEverything, 5)).toHaveLength(
        1,
      );
      expect(
        await installations.select({ platform: "confluence", externalOrgId: site }, sightOfEverything, 5),
      ).toHaveLength(1);
      expect(await installations.select({ platform: "slack", externalOrgId: site }, sightOfEverything, 5)).toEqual([]);
    });

    test("gives everybody their own when many are asked for at once, and nobody what they may not see", async () => {
      const made = await Promise.all(
        Array.from({ length: 12 }, (_, i) => connectOne(unique("T"), [], i % 2 === 0 ? unique("even") : undefined)),
      );
      const owners = made.flatMap(({ owner }) => owner ?? []);
      const limited = { key: "theirs", rules: [{ products: ["slack"], owners }] };
      const ask = async (id: string, visible: Visibility) =>
        (await installations.select({ installationId: id }, visible, 5)).map(({ installation }) => installation.id);
      const ids = [...made.map(({ id }) => id), crypto.randomUUID(), "no id"];
      const asked = ids.map((id) => Promise.all([ask(id, sightOfEverything), ask(id.toUpperCase(), limited)]));
      const known = made.map(({ id, owner }) => [[id], owner === undefined ? [] : [id]]);
      expect(await Promise.all(asked)).toEqual([...known, [[], []], [[], []]]);
    });

    test("gives the natural credential unless an actor is named, and each person's when one is", async () => {
      const { id } = await connectOne(unique("T"), ["U1", "U2"]);
      const subjects = async (selector: object) =>
        (await installations.select({ installationId: id, ...selector }, sightOfEverything, 5)).map(
          ({ credential }) => credential?.externalUserId ?? credential?.actor,
        );
      expect(await subjects({})).toEqual(["app"]);
      expect(await subjects({ actor: "app" })).toEqual(["app"]);
      expect((await subjects({ actor: "user" })).sort()).toEqual(["U1", "U2"]);
      expect(await subjects({ actor: "user", externalUserId: "U2" })).toEqual(["U2"]);
    });

    test("by a product alone finds those that have it", async () => {
      const product = unique("product");
      const other = { ...sites(unique("p"), "x", [unique("site")]), installations: [] };
      const installation = connected(unique("site"), { products: [product, "jira"] });
      await installations.connect({ ...other, installations: [installation] }, jiraContext(now()));
      const found = await installations.select({ platform: product }, sightOfEverything, 5);
      expect(found.map((selection) => selection.installation.externalOrgId)).toEqual([installation.externalOrgId]);
      expect(await installations.select({ platform: unique("product") }, sightOfEverything, 5)).toEqual([]);
    });

    test("shows an installation that keeps nothing for the actor", async () => {
      const { id } = await connectOne(unique("T"));
      const [found] = await installations.select({ installationId: id, actor: "user" }, sightOfEverything, 5);
      expect(found).toMatchObject({ installation: { id }, credential: undefined });
    });

    test("finds a revoked installation by its id alone", async () => {
      const team = unique("T");
      const { id } = await connectOne(team);
      await installations.beginRevocation(id, "over", now());
      expect(await installations.select({ platform: "slack", externalOrgId: team }, sightOfEverything, 5)).toEqual([]);
      const [found] = await installations.select({ installationId: id }, sightOfEverything, 5);
      expect(found?.installation.status).toBe("revoked");
    });

    test("gives at most as many as asked for", async () => {
      const owner = unique("owner");
      for (let n = 0; n < 4; n += 1) await connectOne(unique("T"), [], owner);
      expect(await installations.select({ platform: "slack", owner }, sightOfEverything, 3)).toHaveLength(3);
    });

    test("finds nothing by what is not an id", async () => {
      expect(await installations.select({ installationId: "1' or true" }, sightOfEverything, 5)).toEqual([]);
      expect(await installations.find("nobody")).toBeUndefined();
      expect(await installations.find(crypto.randomUUID())).toBeUndefined();
    });
  });

  describe("listing", () => {
    test("is complete and without duplicates while installations are added", async () => {
      const owner = unique("owner");
      const made = [];
      for (let n = 0; n < 7; n += 1) made.push((await connectOne(unique("T"), [], owner)).id);
      const seen: string[] = [];
      let after: Position | undefined;
      for (;;) {
        const page = await installations.list({ owner }, sightOfEverything, after, 3);
        seen.push(...page.map((installation) => installation.id));
        await connectOne(unique("T"), [], owner);
        after = page.at(-1);
        if (page.length < 3) break;
      }
      expect(seen).toEqual(made.toReversed());
    });

    test.each([undefined, "slack"])("orders installations of one moment by id, of product %s", async (platform) => {
      const owner = unique("owner");
      const at = new Date();
      const many = Array.from({ length: 5 }, () => connected(unique("T")));
      const [credential] = workspace(unique("T"), "x").credentials;
      if (credential === undefined) throw new Error("no credential");
      await installations.connect({ installations: many, credentials: [credential] }, slackContext(at, owner));
      const pages = [];
      let after: Position | undefined;
      for (let page = 0; page < 3; page += 1) {
        const found = await installations.list({ owner, platform }, sightOfEverything, after, 2);
        pages.push(...found.map(({ id }) => id));
        after = found.at(-1);
      }
      expect(new Set(pages).size).toBe(5);
      expect(pages).toEqual(pages.toSorted().toReversed());
    });

    test("filters by product, status, organization, installation and owner", async () => {
      const [account, installId, owner] = [unique("org"), unique("i"), unique("owner")];
      const [made] = await installations.connect(githubApp(account, installId), githubContext(now(), owner));
      const ids = async (filter: object) =>
        (await installations.list({ ...filter }, sightOfEverything, undefined, 100)).map(
          (installation) => installation.id,
        );
      for (const filter of [{ externalOrgId: account }, { externalInstallId: installId }, { owner }]) {
        expect(await ids(filter)).toEqual([made?.id]);
      }
      expect(await ids({ owner, platform: "github", status: "active" })).toEqual([made?.id]);
      expect(await ids({ owner, platform: "jira" })).toEqual([]);
      expect(await ids({ owner, status: "revoked" })).toEqual([]);
    });
  });

  describe("recording use", () => {
    test("moves each installation's time forward and never back", async () => {
      const [a, b] = [await connectOne(unique("T")), await connectOne(unique("T"))];
      const [early, late] = [new Date("2026-02-01T00:00:00.123Z"), new Date("2026-02-02T00:00:00.456Z")];
      await installations.recordUse(
        new Map([
          [a.id, late],
          [b.id, early],
        ]),
      );
      await installations.recordUse(
        new Map([
          [a.id, early],
          [b.id, late],
          [crypto.randomUUID(), late],
        ]),
      );
      await installations.recordUse(new Map());
      expect((await installations.find(a.id))?.lastUsedAt).toEqual(late);
      expect((await installations.find(b.id))?.lastUsedAt).toEqual(late);
      expect((await installations.find(a.id))?.updatedAt).toEqual(a.updatedAt);
    });

    test("by many replicas at once keeps the latest time", async () => {
      const many = Array.from({ length: 60 }, () => connected(unique("T")));
      const [credential] = workspace(unique("T"), "x").credentials;
      if (credential === undefined) throw new Error("no credential");
      const made = await installations.connect({ installations: many, credentials: [credential] }, slackContext(now()));
      const ids = made.map(({ id }) => id);
      for (let round = 1; round <= 5; round += 1) {
        const flushes = Array.from({ length: 8 }, (_, n) => {
          const at = new Date(Date.UTC(2026, round, n + 1));
          return installations.recordUse(new Map((n % 2 ? ids : ids.toReversed()).map((id) => [id, at])));
        });
        await Promise.all(flushes);
      }
      const last = await installations.find(ids[0] ?? "");
      expect(last?.lastUsedAt).toEqual(new Date(Date.UTC(2026, 5, 8)));
    });
  });
}
