import { describe, expect, test } from "vitest";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { NewDelivery } from "../../src/domain/deliveries/delivery-repository.ts";
import { alertOf } from "../../src/domain/health/alert-message.ts";
import type { Finding } from "../../src/domain/health/concern.ts";
import type { ConcernChange, Judged, Source } from "../../src/domain/health/concern-repository.ts";
import { githubApp, githubContext, jiraContext, sites, slackContext, unique, workspace } from "./connections.ts";
import type { OpenedStorage } from "./harness.ts";

/** What the list of what needs a person rests on, whatever the database. */
export function describeConcerns({ storage, clock, raw }: OpenedStorage): void {
  const { concerns, installations, webhooks } = storage;
  const at = new Date("2026-03-01T12:00:00.123Z");
  const nothing = (): undefined => undefined;

  async function connect(owner?: string): Promise<string> {
    const [one] = await installations.connect(
      workspace(unique("T"), unique("tokens")),
      slackContext(clock.now(), owner),
    );
    return one?.id ?? "";
  }
  async function factsOf(id: string) {
    const [facts] = await concerns.facts([id]);
    if (facts === undefined) throw new Error(`${id} has no facts`);
    return facts;
  }
  const finding = (kind: Finding["kind"], changes: Partial<Finding> = {}): Finding => ({
    ...{ kind, since: at, detail: undefined, actBefore: undefined },
    ...changes,
  });
  async function judged(id: string, ...findings: Finding[]): Promise<Judged> {
    return { facts: await factsOf(id), findings, undecided: [] };
  }
  const list = (id: string) => concerns.list({ installationIds: [id] }, sightOfEverything, 100);

  /** Every id of a source, three at a time. */
  async function all(source: Source): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let after: string | undefined, i = 0; i < 1_000; i++) {
      const { ids: some, next } = await concerns.suspects(source, after, 3);
      ids.push(...some);
      if (next === undefined) break;
      after = next;
    }
    return ids;
  }

  describe("what needs a person", () => {
    test("begins once and ends once, however many note it at once, each with its delivery", async () => {
      const id = await connect("acme");
      const one = await judged(id, finding("suspended"));
      const { externalOrgId, externalOrgName } = one.facts.installation;
      const named = { externalOrgId, externalOrgName };
      const began = (await Promise.all(Array.from({ length: 8 }, () => concerns.note([one], alertOf)))).flat();
      expect(began).toMatchObject([{ kind: "began", concern: { installationId: id, platform: "slack", since: at } }]);
      const concern = began[0]?.concern.id;
      expect(await list(id)).toEqual([{ ...began[0]?.concern, owner: "acme", ...named }]);
      const fine = await judged(id);
      const ended = (await Promise.all(Array.from({ length: 8 }, () => concerns.note([fine], alertOf)))).flat();
      expect(ended).toMatchObject([{ kind: "ended", concern: { id: concern, kind: "suspended" } }]);
      expect(await list(id)).toEqual([]);
      const rows = await raw(
        "select type, status, key_id from webhook_deliveries where delivery_id like $1 order by id",
        [`${concern}%`],
      );
      expect(rows).toMatchObject([
        { type: "health.concern_began", status: "alert", key_id: expect.any(String) },
        { type: "health.concern_ended", status: "alert" },
      ]);
      // The next time is another one.
      expect((await concerns.note([one], nothing))[0]?.concern.id).not.toBe(concern);
    });

    test("is not noted if its delivery cannot be kept", async () => {
      const id = await connect();
      const broken = () => {
        throw new Error("no message");
      };
      await expect(concerns.note([await judged(id, finding("suspended"))], broken)).rejects.toThrow();
      expect(await list(id)).toEqual([]);
    });

    test("is no change while it goes on, though its end may move and its reason differ", async () => {
      const id = await connect();
      const later = new Date(at.getTime() + 86_400_000);
      const [began] = await concerns.note([await judged(id, finding("idle_end", { actBefore: at }))], nothing);
      const moved = finding("idle_end", { since: later, detail: "why", actBefore: later });
      const changes: (ConcernChange | NewDelivery)[] = [];
      const note = (change: ConcernChange) => void changes.push(change);
      expect(await concerns.note([await judged(id, moved)], note)).toEqual([]);
      expect(changes).toEqual([]);
      expect(await list(id)).toMatchObject([
        { ...moved, since: at, id: began?.concern.id, installationId: id, platform: "slack" },
      ]);
    });

    test("stays as it was where that cannot be judged", async () => {
      const id = await connect();
      await concerns.note([await judged(id, finding("idle_end"), finding("suspended"))], nothing);
      const unknown: Judged = { ...(await judged(id)), undecided: ["idle_end"] };
      expect(await concerns.note([unknown], nothing)).toMatchObject([
        { kind: "ended", concern: { kind: "suspended" } },
      ]);
      expect(await list(id)).toMatchObject([{ kind: "idle_end" }]);
    });

    test("is seen by who may see the connection, by kind, and goes with it", async () => {
      const [ours, theirs] = [await connect("acme"), await connect("globex")];
      for (const id of [ours, theirs]) {
        await concerns.note([await judged(id, finding("suspended"), finding("idle_end"))], nothing);
      }
      const acme = { key: "acme", rules: [{ products: ["slack"], owners: ["acme"] }] };
      const nobody = { key: "none", rules: [{ products: ["slack"], owners: [] }] };
      const of = { installationIds: [ours, theirs, "no id"] };
      expect(new Set((await concerns.list(of, acme, 10)).map((one) => one.installationId))).toEqual(new Set([ours]));
      expect(await concerns.list(of, nobody, 10)).toEqual([]);
      expect(await concerns.list({ ...of, kind: "idle_end" }, acme, 10)).toMatchObject([{ kind: "idle_end" }]);
      const latest = await concerns.list({}, sightOfEverything, 2);
      expect(latest.map((one) => one.installationId)).toEqual([theirs, theirs]);
      await raw("delete from installations where id = $1", [ours]);
      expect(await list(ours)).toEqual([]);
    });
  });

  describe("a round", () => {
    test("is one replica's, goes on where the last one came to, and is begun anew by others after its time", async () => {
      await raw("delete from meta where key = 'health_watch'");
      const begun = await Promise.all(Array.from({ length: 8 }, () => concerns.beginRound(60_000)));
      expect(begun.filter((places) => places !== undefined)).toEqual([{}]);
      const longAgo =
        "update meta set value = jsonb_set(value::jsonb, '{ended}', '0')::text where key = 'health_watch'";
      const age = async () => (await storage.statistics.readPressing()).watchedSecondsAgo;
      // One that never comes through has to be seen, too.
      expect(await age()).toBeLessThan(60);
      await raw(longAgo);
      await concerns.endRound({ "resting jira": "here" }, false);
      expect(await age()).toBeGreaterThan(1_000_000);
      await concerns.endRound({ "resting jira": "here" }, true);
      expect(await age()).toBeLessThan(60);
      expect(await concerns.beginRound(60_000)).toBeUndefined();
      // A holder that is gone, and a clock that jumped.
      for (const due of [Date.now() - 60_000, Date.now() + 86_400_000]) {
        await raw(
          "update meta set value = jsonb_set(value::jsonb, '{due}', $1::jsonb)::text where key = 'health_watch'",
          [JSON.stringify(due)],
        );
        expect(await concerns.beginRound(60_000)).toEqual({ "resting jira": "here" });
      }
    });
  });

  describe("suspects", () => {
    test("are found by their status, from the latest on", async () => {
      const ids: string[] = [];
      for (let i = 0; i < 7; i++) ids.push(await connect());
      await raw("update installations set status = 'reauthorization_required' where id = any($1)", [ids]);
      const found = await all({ key: "", kind: "status", status: "reauthorization_required" });
      expect(found.filter((id) => ids.includes(id))).toEqual(ids.toReversed());
      expect(new Set(found).size).toBe(found.length);
    });

    test("are found by the times of their grants, each installation of a grant", async () => {
      const cloudIds = [unique("cloud"), unique("cloud")];
      const found = await installations.connect(
        sites(unique("person"), unique("t"), cloudIds),
        jiraContext(clock.now()),
      );
      const ids = found.map(({ id }) => id);
      const change = (text: string) =>
        raw(
          `update credentials set ${text} where id in (select credential_id from installation_credentials where installation_id = $1)`,
          [ids[0]],
        );
      const before = new Date("2001-01-01");
      const sources: readonly Source[] = [
        { key: "", kind: "ending", before },
        { key: "", kind: "resting", platform: "jira", before },
        { key: "", kind: "failing", platform: "jira", before },
      ];
      const who = async () =>
        Promise.all(sources.map(async (source) => (await all(source)).filter((id) => ids.includes(id)).toSorted()));
      expect(await who()).toEqual([[], [], []]);
      await change("grant_expires_at = '2000-01-01', refreshed_at = '2000-01-01', failing_since = '2000-01-01'");
      expect(await who()).toEqual([ids.toSorted(), ids.toSorted(), ids.toSorted()]);
      expect(
        (await all({ key: "", kind: "resting", platform: "slack", before })).filter((id) => ids.includes(id)),
      ).toEqual([]);
      await change("status = 'dead'");
      expect(await who()).toEqual([[], [], []]);
    });

    test("are found by their webhooks, by what they lack, and by what is on the list", async () => {
      const id = await connect();
      await webhooks.takeOfInstallation("slack", id, { id: "lease", leaseMs: 1, now: clock.now() });
      const among = async (source: Source) => (await all(source)).includes(id);
      expect(await among({ key: "", kind: "webhooks" })).toBe(false);
      await raw("update webhooks set silent_since = now() where subject = $1", [id]);
      expect(await among({ key: "", kind: "webhooks" })).toBe(true);

      const made = await Promise.all(
        Array.from({ length: 70 }, () =>
          installations.connect(githubApp(unique("org"), unique("1")), githubContext(at)),
        ),
      );
      const apps = made.flat().map((one) => one.id);
      await raw('update installations set permissions = \'{"contents": "read", "issues": "read"}\' where id = $1', [
        apps[0],
      ]);
      const wanted = { issues: "read", contents: "read" };
      const lacking = await all({ key: "", kind: "unapproved", platform: "github", wanted });
      expect(lacking.filter((one) => apps.includes(one)).toSorted()).toEqual(apps.slice(1).toSorted());
      expect(lacking).not.toContain(id);

      expect(await among({ key: "", kind: "noted" })).toBe(false);
      await concerns.note([await judged(id, finding("idle_end"), finding("silent_webhooks"))], nothing);
      expect((await all({ key: "", kind: "noted" })).filter((one) => one === id)).toEqual([id]);
    });

    test("know when anybody of a platform was served last", async () => {
      const id = await connect();
      await raw(
        "update credentials set proven_at = '2090-01-01T00:00:00Z' where id in (select credential_id from installation_credentials where installation_id = $1)",
        [id],
      );
      const last = await concerns.lastProven(["slack", unique("platform")]);
      expect([...last]).toEqual([["slack", new Date("2090-01-01T00:00:00Z")]]);
      await raw("delete from installations where id = $1", [id]);
      await raw("update credentials set proven_at = now() where proven_at > '2080-01-01'");
    });
  });
}
