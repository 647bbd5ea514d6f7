import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import { alertOf } from "../../../src/domain/health/alert-message.ts";
import type { ConcernRepository, Places, Source } from "../../../src/domain/health/concern-repository.ts";
import { createHealthWatch } from "../../../src/domain/health/health-watch.ts";
import type { Platform } from "../../../src/domain/model/platform.ts";
import { connection, onlyPlatforms, scriptedPlatform } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
const hourMs = 3_600_000;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  domain.world.lines.length = 0;
  await domain.sql`truncate installations, credentials, webhook_deliveries cascade`;
  await domain.sql`delete from meta where key = 'health_watch'`;
});

const watchOf = (platform: Platform, concerns: ConcernRepository = domain.storage.concerns) =>
  createHealthWatch({ concerns, platforms: onlyPlatforms(platform), alertOf, world: domain.world });
const listed = async () =>
  (await domain.storage.concerns.list({}, sightOfEverything, 100)).map((one) => [one.installationId, one.kind]);
const lines = () => domain.world.lines.map((line) => JSON.parse(line));
/** As if the time between rounds had passed. */
const makeDue = () => domain.sql`update meta set value = jsonb_set(value::jsonb, '{due}', '0')::text
  where key = 'health_watch'`;
async function connect(org: string): Promise<string> {
  const [one] = await domain.connect(connection({ org }));
  return one?.id ?? "";
}
const grantOf = (id: string) =>
  domain.sql`select credential_id from installation_credentials where installation_id = ${id}`;

describe("a round", () => {
  test("finds what has begun, and next time that it has passed, and tells of each once", async () => {
    const [id, other] = [await connect("T1"), await connect("T2")];
    const since = new Date(domain.clock.now().getTime() - 2 * hourMs);
    const watch = watchOf(scriptedPlatform());
    await domain.sql`update credentials set failures = 4, failing_since = ${since}, last_error = 'refused:saml'
      where id in (${grantOf(id)})`;
    await domain.sql`update credentials set proven_at = ${domain.clock.now()} where id in (${grantOf(other)})`;
    await watch.round();
    expect(await listed()).toEqual([[id, "repeated_failures"]]);
    const began = lines().filter(({ event }) => event === "concern.began");
    const about = { installation: id, about: "repeated_failures", detail: "refused:saml" };
    expect(began).toMatchObject([{ level: "warn", platform: "slack", ...about }]);
    // Too early; and again nothing new.
    await watch.round();
    await makeDue();
    await watch.round();
    await domain.sql`update credentials set failures = 0, failing_since = null, last_error = null`;
    await makeDue();
    await Promise.all([watch.round(), watchOf(scriptedPlatform()).round()]);
    expect(await listed()).toEqual([]);
    const told = lines().filter(({ event }) => event.startsWith("concern."));
    expect(told.map(({ event, concern }) => [event, concern])).toEqual([
      ["concern.began", began[0]?.concern],
      ["concern.ended", began[0]?.concern],
    ]);
    const rows = await domain.sql`select type, status from webhook_deliveries order by id`;
    expect(rows.map(({ type, status }) => [type, status])).toEqual([
      ["health.concern_began", "alert"],
      ["health.concern_ended", "alert"],
    ]);
  });

  test("does not call a thousand connections failing while their platform serves nobody", async () => {
    for (const org of ["T1", "T2", "T3"]) await connect(org);
    const [since, before] = [2, 3].map((hours) => new Date(domain.clock.now().getTime() - hours * hourMs));
    await domain.sql`update credentials set failures = 50, failing_since = ${since!}, proven_at = ${before!}`;
    await watchOf(scriptedPlatform()).round();
    expect(await listed()).toEqual([]);
  });

  test("ends what was revoked, and follows what changed from one kind to another", async () => {
    const id = await connect("T1");
    const watch = watchOf(scriptedPlatform());
    const become = async (status: string) => {
      if (status === "revoked") await domain.storage.installations.beginRevocation(id, "test", domain.clock.now());
      else await domain.sql`update installations set status = ${status} where id = ${id}`;
      await makeDue();
      await watch.round();
      return (await listed()).map(([, kind]) => kind);
    };
    expect(await become("suspended")).toEqual(["suspended"]);
    expect(await become("reauthorization_required")).toEqual(["reauthorization_required"]);
    expect(await become("revoked")).toEqual([]);
    expect(lines().filter(({ event }) => event === "concern.ended")).toHaveLength(2);
  });

  test("asks rarely what an app wants, and believes no silence to be an approval", async () => {
    const id = await connect("T1");
    let wanted: Record<string, string> | undefined = { issues: "write" };
    let asked = 0;
    const approvals: Platform["approvals"] = {
      wanted: async () => {
        asked += 1;
        return wanted;
      },
      lacking: ({ permissions }, all) => Object.keys(all).filter((name) => permissions[name] === undefined),
    };
    const platform = { ...scriptedPlatform(), approvals };
    await watchOf(platform).round();
    expect(await listed()).toEqual([[id, "permissions_pending"]]);
    wanted = undefined;
    // Of another process, which was never told.
    const restarted = watchOf(platform);
    await makeDue();
    await restarted.round();
    expect(await listed()).toEqual([[id, "permissions_pending"]]);
    wanted = { issues: "write" };
    const steady = watchOf(platform);
    asked = 0;
    for (let i = 0; i < 3; i++) {
      await makeDue();
      await steady.round();
    }
    expect(asked).toBe(1);
    await domain.sql`update installations set permissions = '{"issues": "write"}'`;
    await makeDue();
    await steady.round();
    expect(await listed()).toEqual([]);
  });

  test("goes on with the others where one of them goes wrong", async () => {
    const id = await connect("T1");
    await domain.sql`update installations set status = 'suspended'`;
    const { concerns } = domain.storage;
    const through: boolean[] = [];
    const broken: ConcernRepository = {
      ...concerns,
      endRound: async (_places, isThrough) => void through.push(isThrough),
      suspects: async (source, ...rest) => {
        if (source.kind !== "status") throw new TypeError("broken");
        return concerns.suspects(source, ...rest);
      },
    };
    await watchOf(scriptedPlatform(), broken).round();
    expect(await listed()).toEqual([[id, "suspended"]]);
    expect(lines().filter(({ event }) => event === "health.not_judged").length).toBeGreaterThan(1);
    await makeDue();
    await watchOf(scriptedPlatform(), { ...broken, suspects: concerns.suspects }).round();
    // By which its stalling is alarmed of.
    expect(through).toEqual([false, true]);
  });

  test("leaves what is too much for it to the next one, and gives the other sources their turn", async () => {
    const taken: [key: string, after: string | undefined][] = [];
    let places: Places = {};
    const endless: ConcernRepository = {
      ...domain.storage.concerns,
      beginRound: async () => places,
      endRound: async (reached) => {
        places = reached;
      },
      suspects: async ({ key }: Source, after) => {
        taken.push([key, after]);
        return { ids: [], next: key === "suspended" ? String(Number(after ?? 0) + 1) : undefined };
      },
    };
    const watch = watchOf(scriptedPlatform(), endless);
    await watch.round();
    expect(places).toEqual({ suspended: "20" });
    const first = new Set(taken.map(([key]) => key));
    expect([...first]).toEqual(expect.arrayContaining(["noted", "ending", "webhooks", "failing slack"]));
    taken.length = 0;
    await watch.round();
    expect(taken[0]).toEqual(["suspended", "20"]);
    expect(new Set(taken.map(([key]) => key))).toEqual(first);
    expect(places).toEqual({ suspended: "40" });
  });

  test("that has no time for a source looks there first the next time, and without any again is not through", async () => {
    const taken: string[] = [];
    const through: boolean[] = [];
    let places: Places = {};
    let tookMs = 0;
    let eachMs = 0;
    const slow: ConcernRepository = {
      ...domain.storage.concerns,
      beginRound: async () => places,
      endRound: async (reached, isThrough) => {
        places = reached;
        through.push(isThrough);
      },
      suspects: async ({ key }: Source) => {
        taken.push(key);
        tookMs += eachMs;
        return { ids: [], next: undefined };
      },
    };
    const monotonic = performance.now.bind(performance);
    const clockOfProcess = vi.spyOn(performance, "now").mockImplementation(() => monotonic() + tookMs);
    onTestFinished(() => clockOfProcess.mockRestore());
    const watch = watchOf(scriptedPlatform(), slow);
    await watch.round();
    const all = taken.splice(0);
    eachMs = 20_000;
    for (const _ of all) await watch.round();
    expect(taken.toSorted()).toEqual(all.toSorted());
    expect(through.slice(0, 3)).toEqual([true, true, false]);
  });
});
