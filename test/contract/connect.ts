import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import {
  githubApp,
  githubContext,
  jiraContext,
  sites,
  slackContext,
  tokenSet,
  unique,
  workspace,
} from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What connecting promises, whatever the database. */
export function describeConnect({ storage, clock }: OpenedStorage): void {
  const { installations, credentials } = storage;
  const now = () => clock.now();
  const tokenOf = async (installationId: string, person?: string) => {
    const actor = person === undefined ? undefined : ("user" as const);
    const [found] = await installations.select({ installationId, actor, externalUserId: person }, sightOfEverything, 2);
    return found?.credential?.accessToken()?.reveal();
  };

  describe("connecting", () => {
    test("stores an installation that can be asked for by whatever names it", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first"), slackContext(now(), "acme"));
      expect(made).toMatchObject({
        platform: "slack",
        products: ["slack"],
        status: "active",
        owner: "acme",
        externalOrgId: team,
        externalOrgName: `Name of ${team}`,
        externalInstallId: undefined,
        scopes: ["read"],
        metadata: { url: "https://example.test" },
        tokenExpiresAt: new Date("2026-01-01T01:00:00.000Z"),
        lastError: undefined,
        revokedAt: undefined,
      });
      expect(made?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      expect(await installations.find(made?.id ?? "")).toEqual(made);
      const [other] = await installations.connect(workspace(unique("T"), "other"), slackContext(now()));
      const ids = [other?.id ?? "", "01900000-0000-7000-8000-000000000000", "no id", made?.id ?? ""];
      expect(await installations.findAll(ids)).toEqual([other, made]);
      expect(await installations.findAll([])).toEqual([]);
      expect(await tokenOf(made?.id ?? "")).toBe("access-first");
    });

    test("again updates the installation, keeps its id and raises the version", async () => {
      const team = unique("T");
      const [first] = await installations.connect(workspace(team, "first"), slackContext(now()));
      const [before] = await installations.select({ installationId: first?.id }, sightOfEverything, 2);
      const [again] = await installations.connect(workspace(team, "second"), slackContext(now()));
      const [after] = await installations.select({ installationId: first?.id }, sightOfEverything, 2);
      expect(again?.id).toBe(first?.id);
      expect(again?.createdAt).toEqual(first?.createdAt);
      expect(after?.credential?.id).toBe(before?.credential?.id);
      expect([before?.credential?.version, after?.credential?.version]).toEqual([1, 2]);
      expect(after?.credential?.accessToken()?.reveal()).toBe("access-second");
    });

    test("again clears leases, back-off and errors", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first"), slackContext(now()));
      const [{ credential } = {}] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const id = credential?.id ?? "";
      const lease = await credentials.acquire(id, 1, unique("attempt"), 30_000);
      if (lease === undefined) throw new Error("not leased");
      await credentials.release(lease, { error: "unavailable", backoffMs: 60_000, unclear: true });
      await installations.connect(workspace(team, "second"), slackContext(now()));
      const state = await credentials.read(id);
      expect(state).toMatchObject({ leaseRemainingMs: 0, attemptOpen: false });
      expect(state?.credential).toMatchObject({ failures: 0, lastError: undefined });
      expect((await credentials.acquire(id, 2, unique("attempt"), 30_000))?.openAttemptAt).toBeUndefined();
    });

    test("sets a refresh time at about half of the token's life", async () => {
      const [made] = await installations.connect(workspace(unique("T"), "first"), slackContext(now()));
      const [{ credential } = {}] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const minutes = ((credential?.refreshAfter?.getTime() ?? 0) - Date.parse("2026-01-01T00:00:00Z")) / 60_000;
      expect(minutes).toBeGreaterThanOrEqual(27);
      expect(minutes).toBeLessThanOrEqual(33);
    });

    test("twice at the same moment ends in one installation", async () => {
      const team = unique("T");
      const made = await Promise.all(
        ["a", "b", "c", "d"].map((name) => installations.connect(workspace(team, name, ["U1"]), slackContext(now()))),
      );
      expect(new Set(made.map(([installation]) => installation?.id)).size).toBe(1);
      const found = await installations.select({ platform: "slack", externalOrgId: team }, sightOfEverything, 10);
      expect(found).toHaveLength(1);
      expect(found[0]?.credential?.version).toBe(4);
    });

    test("an organization under another owner is refused, and changes nothing", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first"), slackContext(now(), "acme"));
      const taken = { name: "ServiceError", reason: "INSTALLATION_TAKEN" };
      await expect(installations.connect(workspace(team, "x"), slackContext(now(), "evil"))).rejects.toMatchObject(
        taken,
      );
      await expect(installations.connect(workspace(team, "x"), slackContext(now()))).rejects.toMatchObject(taken);
      expect(
        await installations.select({ platform: "slack", externalOrgId: team }, sightOfEverything, 10),
      ).toHaveLength(1);
      expect(await tokenOf(made?.id ?? "")).toBe("access-first");
    });

    test("an organization without an owner is taken for every owner", async () => {
      const team = unique("T");
      await installations.connect(workspace(team, "first"), slackContext(now()));
      await expect(installations.connect(workspace(team, "x"), slackContext(now(), "acme"))).rejects.toMatchObject({
        reason: "INSTALLATION_TAKEN",
      });
    });

    test("a revoked organization is free for another owner", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first"), slackContext(now(), "acme"));
      await installations.beginRevocation(made?.id ?? "", "moved", now());
      const [other] = await installations.connect(workspace(team, "x"), slackContext(now(), "globex"));
      expect(other).toMatchObject({ owner: "globex", status: "active" });
    });

    test("never revives a revoked installation: a new one is made", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first"), slackContext(now()));
      await installations.beginRevocation(made?.id ?? "", "over", now());
      const [again] = await installations.connect(workspace(team, "second"), slackContext(now()));
      expect(again?.id).not.toBe(made?.id);
      expect((await installations.find(made?.id ?? ""))?.status).toBe("revoked");
      expect(await tokenOf(again?.id ?? "")).toBe("access-second");
    });

    test("keeps other people's tokens of a workspace", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first", ["U1"]), slackContext(now()));
      await installations.connect(workspace(team, "second", ["U2"]), slackContext(now()));
      const id = made?.id ?? "";
      expect(await tokenOf(id)).toBe("access-second");
      expect(await tokenOf(id, "U1")).toBe("access-first-U1");
      expect(await tokenOf(id, "U2")).toBe("access-second-U2");
    });

    test("makes a suspended installation active again, or suspended as the platform says", async () => {
      const account = unique("org");
      const [made] = await installations.connect(githubApp(account, unique("i"), true), githubContext(now()));
      expect(made?.status).toBe("suspended");
      const installId = made?.externalInstallId ?? "";
      const [again] = await installations.connect(githubApp(account, installId), githubContext(now()));
      expect(again).toMatchObject({ id: made?.id, status: "active" });
      const [third] = await installations.connect(githubApp(account, installId, true), githubContext(now()));
      expect(third).toMatchObject({ id: made?.id, status: "suspended" });
    });

    test("makes a dead grant work again", async () => {
      const team = unique("T");
      const [made] = await installations.connect(workspace(team, "first"), slackContext(now()));
      const [{ credential } = {}] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      const lease = await credentials.acquire(credential?.id ?? "", 1, unique("attempt"), 30_000);
      if (lease === undefined) throw new Error("not leased");
      await credentials.condemn(lease, "invalid_grant");
      expect((await installations.find(made?.id ?? ""))?.status).toBe("reauthorization_required");
      const [again] = await installations.connect(workspace(team, "second"), slackContext(now()));
      expect(again).toMatchObject({ id: made?.id, status: "active", lastError: undefined });
      expect(await tokenOf(made?.id ?? "")).toBe("access-second");
    });

    test("stores no token where the first one is minted on demand", async () => {
      const [made] = await installations.connect(githubApp(unique("org"), unique("i")), githubContext(now()));
      const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      expect(found?.credential).toMatchObject({ kind: "app_installation", version: 1, expiresAt: undefined });
      expect(found?.credential?.accessToken()).toBeUndefined();
    });
  });

  describe("a person's grant", () => {
    test("serves all of its sites with one credential", async () => {
      const [person, a, b] = [unique("p"), unique("site"), unique("site")];
      const made = await installations.connect(sites(person, "first", [a, b]), jiraContext(now(), "acme"));
      expect(made.map((installation) => installation.externalOrgId)).toEqual([a, b]);
      const found = await Promise.all(
        made.map(({ id }) => installations.select({ installationId: id }, sightOfEverything, 2)),
      );
      expect(new Set(found.map(([selection]) => selection?.credential?.id)).size).toBe(1);
    });

    test("renewed serves every site with the new token set", async () => {
      const [person, a, b] = [unique("p"), unique("site"), unique("site")];
      const [first] = await installations.connect(sites(person, "first", [a]), jiraContext(now(), "acme"));
      const made = await installations.connect(sites(person, "second", [a, b]), jiraContext(now(), "acme"));
      expect(made[0]?.id).toBe(first?.id);
      for (const { id } of made) expect(await tokenOf(id)).toBe("access-second");
    });

    test("of a site that changed its products is found by what it has now", async () => {
      const [person, site] = [unique("p"), unique("site")];
      const found = async (platform: string) =>
        (await installations.list({ platform, externalOrgId: site }, sightOfEverything, undefined, 5)).length;
      const made = sites(person, "first", [site]);
      await installations.connect(made, jiraContext(now()));
      expect([await found("jira"), await found("confluence")]).toEqual([1, 1]);
      const changed = made.installations.map((installation) => ({ ...installation, products: ["confluence"] }));
      await installations.connect({ ...made, installations: changed }, jiraContext(now()));
      expect([await found("jira"), await found("confluence")]).toEqual([0, 1]);
    });

    test("that lost a site asks for reauthorization there", async () => {
      const [person, a, b] = [unique("p"), unique("site"), unique("site")];
      const [first, second] = await installations.connect(sites(person, "first", [a, b]), jiraContext(now()));
      await installations.connect(sites(person, "second", [a]), jiraContext(now()));
      expect((await installations.find(first?.id ?? ""))?.status).toBe("active");
      expect((await installations.find(second?.id ?? ""))?.status).toBe("reauthorization_required");
      expect(await tokenOf(second?.id ?? "")).toBeUndefined();
    });

    test("exists once per owner and person", async () => {
      const [person, other, site] = [unique("p"), unique("p"), unique("site")];
      const [mine] = await installations.connect(sites(person, "mine", [site]), jiraContext(now(), "acme"));
      const [theirs] = await installations.connect(sites(person, "theirs", [site]), jiraContext(now(), "globex"));
      const [third] = await installations.connect(sites(other, "third", [site]), jiraContext(now(), "acme"));
      expect(new Set([mine?.id, theirs?.id, third?.id]).size).toBe(3);
      expect(await tokenOf(mine?.id ?? "")).toBe("access-mine");
      expect(await tokenOf(theirs?.id ?? "")).toBe("access-theirs");
      const found = await installations.select(
        { platform: "jira", externalOrgId: site, owner: "acme", externalUserId: other },
        sightOfEverything,
        10,
      );
      expect(found.map((selection) => selection.installation.id)).toEqual([third?.id]);
    });

    test("keeps what a renewed token set leaves out", async () => {
      const [person, site] = [unique("p"), unique("site")];
      await installations.connect(sites(person, "first", [site]), jiraContext(now()));
      const renewed = sites(person, "second", [site]);
      const [credential] = renewed.credentials;
      if (credential === undefined) throw new Error("no credential");
      const tokens = { ...tokenSet("second"), scopes: undefined };
      const [made] = await installations.connect(
        { ...renewed, credentials: [{ ...credential, tokens }] },
        jiraContext(now()),
      );
      const [found] = await installations.select({ installationId: made?.id }, sightOfEverything, 2);
      expect(found?.credential?.scopes).toEqual(["read", "write"]);
    });
  });
}
