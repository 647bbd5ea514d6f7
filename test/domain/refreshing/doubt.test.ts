import postgres from "postgres";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createClock } from "../../../rig/clock.ts";
import { createTestWorld } from "../../../rig/world.ts";
import { sightOfEverything } from "../../../src/domain/access/access.ts";
import type { Credential } from "../../../src/domain/model/credential.ts";
import { isIncident } from "../../../src/domain/model/doubt.ts";
import type { MintOutcome, Platform } from "../../../src/domain/model/platform.ts";
import { withBreaker } from "../../../src/domain/refreshing/breaker.ts";
import { withOwnGrants } from "../../../src/domain/refreshing/own-grants.ts";
import { createRefresher } from "../../../src/domain/refreshing/refresher.ts";
import type { ServiceError } from "../../../src/errors.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { openTestStorage } from "../../support/domain.ts";
import { connection, minted, onlyPlatforms, scriptedPlatform, tokenSet } from "../../support/scripted-platform.ts";
import { openDesk } from "../open-domain.ts";

const hourMs = 3_600_000;
const clock = createClock();
const world = createTestWorld(clock.now);
let storage: Storage;
let sql: postgres.Sql;
let close: () => Promise<void>;

beforeAll(async () => {
  const opened = await openTestStorage(world);
  ({ storage, close } = opened);
  sql = postgres(opened.url, { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await sql.end();
  await close();
});
beforeEach(async () => {
  await sql`truncate installations, credentials cascade`;
  await sql`delete from meta where key like 'deaths_confirmed_until:%'`;
});

const dead = { kind: "rejected", code: "invalid_grant" } as const;

test.each([
  [[], false],
  [[true, true], false],
  [[true, true, true], true],
  [[true, false, true, false, true], true],
  [[true, false, true, false, false, true], false],
  [[false, false, false, true, true, true], false],
  // The latest count, however well the hour before them went.
  [[true, true, true, ...Array<boolean>(100).fill(false)], true],
])("of the latest answers %j it is an incident: %s", (calledDead, expected) => {
  expect(isIncident(calledDead)).toBe(expected);
});

async function credentialOf(installationId: string): Promise<Credential> {
  const [found] = await storage.installations.select({ installationId }, sightOfEverything, 2);
  return found!.credential!;
}

/** Workspaces that two replicas refresh in turn; `answer` says what the platform gives each. */
function replicas(answer: (subject: string) => MintOutcome) {
  const platform: Platform = scriptedPlatform();
  Object.assign(platform, { answer: ({ subject }: { subject: string }) => answer(subject) });
  const platforms = onlyPlatforms(platform);
  const both = [1, 2].map(() => createRefresher({ credentials: storage.credentials, platforms, world }));
  let turn = 0;
  return async (id: string) => {
    await sql`update credentials set lease_until = null`;
    const outcome = await both[turn++ % 2]!.refresh(await credentialOf(id));
    return outcome.kind === "current" ? "current" : outcome.failure;
  };
}

async function connectOrg(org: string, people: readonly string[] = []): Promise<string> {
  const context = { platform: "slack", holder: "organization", owner: undefined, now: clock.now() } as const;
  const made = connection({ org, people, tokens: tokenSet({ now: clock.now() }) });
  return (await storage.installations.connect(made, context))[0]!.id;
}

const orgs = (count: number) => Promise.all(Array.from({ length: count }, (_, i) => connectOrg(`T${i}`)));

const statuses = async () =>
  (await sql`select status, count(*)::int from installations group by 1 order by 1`).map((row) => [
    row.status,
    row.count,
  ]);

describe("a platform that calls everybody dead", () => {
  test("ends no grant, on whatever replica, and all come back when it is over", async () => {
    const ids = await orgs(6);
    let incident = true;
    const refresh = replicas(() => (incident ? dead : minted({ now: clock.now() })));
    world.lines.length = 0;
    const said = [];
    for (const id of ids) said.push(await refresh(id));
    expect(said.slice(2)).toEqual(Array(4).fill("doubted"));
    // What was believed before there were three is not believed any more.
    expect(await statuses()).toEqual([["active", 6]]);
    expect(await credentialOf(ids[0]!)).toMatchObject({ status: "active", lastError: "doubted:invalid_grant" });
    expect(world.lines.filter((line) => line.includes('"platform.deaths_doubted"'))).not.toEqual([]);
    incident = false;
    for (const id of ids) expect(await refresh(id)).toBe("current");
    expect(await sql`select 1 from credentials where doubted_since is not null or last_error is not null`).toEqual([]);
  });

  test("is told to callers as its trouble, from what is on record, too, and what still works is served", async () => {
    const ids = await orgs(3);
    clock.advance(13 * hourMs);
    const context = { platform: "slack", holder: "organization", owner: undefined, now: clock.now() } as const;
    const tokens = tokenSet({ value: "still works", now: clock.now(), ageMs: hourMs - 30_000 });
    const [working] = await storage.installations.connect(connection({ tokens }), context);
    const platform = Object.assign(scriptedPlatform(), { answer: () => dead });
    const desk = openDesk({ storage, world }, [platform]);
    const heard = (id: string) =>
      desk.getToken({ installationId: id }).then(
        () => "a token",
        (error: ServiceError) => [error.reason, (error.retryAfterMs ?? 0) > 0],
      );
    for (const id of ids) await heard(id);
    // What was believed before there were three, what is doubted, and the same once more.
    for (const id of [...ids, ...ids]) expect(await heard(id)).toEqual(["PROVIDER_UNAVAILABLE", true]);
    expect((await desk.getToken({ installationId: working!.id })).token.reveal()).toBe("still works");
    expect(platform.spent.at(-1)).toBe(tokens.refreshToken?.reveal());
  });

  test("does not make replicas forget what they serve, however often it says so", async () => {
    const ids = await orgs(5);
    const refresh = replicas(() => dead);
    for (const id of ids.slice(0, 3)) await refresh(id);
    let forgotten = 0;
    const stop = storage.changes.subscribe(({ kind }) => {
      if (kind === "everything") forgotten++;
    });
    for (let i = 0; i < 3; i++) for (const id of ids) expect(await refresh(id)).toBe("doubted");
    stop();
    expect(forgotten).toBe(0);
  });

  test("is believed when it still says so after a day, and that is not taken back", async () => {
    const ids = await orgs(5);
    const refresh = replicas(() => dead);
    for (const id of ids) await refresh(id);
    expect(await statuses()).toEqual([["active", 5]]);
    clock.advance(24 * hourMs + 1);
    for (const id of ids) expect(await refresh(id)).toBe("dead");
    expect(await statuses()).toEqual([["reauthorization_required", 5]]);
  });

  test("is believed at an operator's word, also of whom it calls dead afterwards", async () => {
    const ids = await orgs(6);
    const refresh = replicas(() => dead);
    for (const id of ids.slice(0, 5)) await refresh(id);
    expect(await storage.credentials.doubts()).toMatchObject([{ platform: "slack", doubted: 5 }]);
    const ended = await storage.credentials.confirmDeaths("slack");
    expect(new Set(ended.map(({ id }) => id))).toEqual(new Set(ids.slice(0, 5)));
    expect(await credentialOf(ids[0]!)).toMatchObject({ status: "dead", lastError: "invalid_grant" });
    expect(await refresh(ids[5]!)).toBe("dead");
    expect(await storage.credentials.doubts()).toEqual([]);
  });
});

describe("is believed at once", () => {
  test("what is said of one workspace with all of its people", async () => {
    const people = ["U1", "U2", "U3", "U4"];
    const id = await connectOrg("Tremoved", people);
    const refresh = replicas(() => dead);
    expect(await refresh(id)).toBe("dead");
    for (const externalUserId of people) {
      const selector = { installationId: id, actor: "user" as const, externalUserId };
      const [found] = await storage.installations.select(selector, sightOfEverything, 2);
      const platforms = onlyPlatforms(Object.assign(scriptedPlatform(), { answer: () => dead }));
      const outcome = await createRefresher({ credentials: storage.credentials, platforms, world }).refresh(
        found!.credential!,
      );
      expect(outcome).toMatchObject({ failure: "dead" });
    }
  });

  test("what is said of a neighbour, while somebody's own dead grants are asked for again and again", async () => {
    const [neighbour, ...ids] = await orgs(9);
    const own = ids.slice(0, 3);
    let removed = false;
    const refresh = replicas((subject) => {
      const index = Number(subject.slice(1, 2));
      return (index === 0 && removed) || (index > 0 && index < 4) ? dead : minted({ now: clock.now() });
    });
    const insist = async () => {
      for (const id of own) {
        clock.advance(1);
        await refresh(id);
      }
    };
    await insist();
    expect(await storage.credentials.doubts()).toMatchObject([{ doubted: 3 }]);
    for (const [index, id] of ids.slice(3).entries()) {
      clock.advance(1);
      expect(await refresh(id)).toBe("current");
      if (index % 2 === 0) await insist();
    }
    removed = true;
    expect(await refresh(neighbour!)).toBe("dead");
  });

  test("what is said of some while the others are served", async () => {
    const ids = await orgs(9);
    const refresh = replicas((subject) =>
      Number(subject.slice(1, 2)) % 3 === 0 ? dead : minted({ now: clock.now() }),
    );
    const said = [];
    for (const id of ids) said.push(await refresh(id));
    expect(said.filter((one) => one === "dead")).toHaveLength(3);
    expect(said.filter((one) => one === "current")).toHaveLength(6);
  });

  test("what is said of three in a row, once others are served, however often the three are asked for", async () => {
    const ids = await orgs(9);
    const refresh = replicas((subject) => (Number(subject.slice(1, 2)) < 3 ? dead : minted({ now: clock.now() })));
    const [gone, served] = [ids.slice(0, 3), ids.slice(3)];
    const ask = async (id: string) => {
      clock.advance(1_000);
      return refresh(id);
    };
    for (const id of gone) await ask(id);
    expect(await statuses()).toEqual([["active", 9]]);
    for (const id of served) {
      expect(await ask(id)).toBe("current");
      for (const end of gone) await ask(end);
    }
    expect(await statuses()).toEqual([
      ["active", 6],
      ["reauthorization_required", 3],
    ]);
  });
});

describe("a credential that is refused alone", () => {
  const wrong = { kind: "misconfigured", code: "unauthorized_client" } as const;
  const odd = { kind: "unavailable", retryAfterMs: undefined, mayHaveBeenProcessed: false, cause: "new_word" } as const;

  test.each([
    ["as our own misconfiguration, after a minute", wrong, 61_000, "refused_alone:unauthorized_client"],
    ["in a way nobody knows, after ten minutes", odd, 601_000, "refused_alone:new_word"],
  ] as const)("%s asks for reauthorization, and comes back by itself", async (_what, refusal, afterMs, lastError) => {
    const [alone, neighbour] = await orgs(2);
    let refuses = true;
    const refresh = replicas((subject) =>
      refuses && subject === "T0:bot" ? refusal : minted({ now: clock.now(), lifeMs: hourMs }),
    );
    for (let i = 0; i < 5; i++) expect(await refresh(alone!)).toBe(refusal.kind);
    clock.advance(afterMs);
    // Everybody may be refused, for all that is known.
    expect(await refresh(alone!)).toBe(refusal.kind);
    expect(await refresh(neighbour!)).toBe("current");
    expect(await refresh(alone!)).toBe("dead");
    expect(await storage.installations.find(alone!)).toMatchObject({ status: "reauthorization_required", lastError });
    expect((await storage.installations.find(neighbour!))?.status).toBe("active");
    refuses = false;
    expect(await refresh(alone!)).toBe("current");
    expect(await storage.installations.find(alone!)).toMatchObject({ status: "active", lastError: undefined });
  });

  test.each([
    [wrong, 59_000],
    [odd, 599_000],
  ] as const)("is not given up too soon: %o", async (refusal, afterMs) => {
    const [alone, neighbour] = await orgs(2);
    const refresh = replicas((subject) => (subject === "T0:bot" ? refusal : minted({ now: clock.now() })));
    for (let i = 0; i < 8; i++) expect(await refresh(alone!)).toBe(refusal.kind);
    clock.advance(afterMs);
    expect(await refresh(neighbour!)).toBe("current");
    expect(await refresh(alone!)).toBe(refusal.kind);
    clock.advance(1_000);
    expect(await refresh(alone!)).toBe("dead");
  });

  test("began to fail as everybody did, and is not given up for who was served just then", async () => {
    const [alone, neighbour] = await orgs(2);
    let down = false;
    const refresh = replicas((subject) => (down || subject === "T0:bot" ? odd : minted({ now: clock.now() })));
    expect(await refresh(alone!)).toBe("unavailable");
    clock.advance(1_000);
    expect(await refresh(neighbour!)).toBe("current");
    down = true;
    for (let minutes = 0; minutes < 30; minutes++) {
      clock.advance(60_000);
      expect(await refresh(alone!)).toBe("unavailable");
    }
    expect((await storage.installations.find(alone!))?.status).toBe("active");
  });

  test("stays given up while the platform is in trouble, too", async () => {
    const [alone, neighbour] = await orgs(2);
    let down = false;
    const refresh = replicas((subject) => (down || subject === "T0:bot" ? odd : minted({ now: clock.now() })));
    for (let i = 0; i < 5; i++) await refresh(alone!);
    clock.advance(601_000);
    expect(await refresh(neighbour!)).toBe("current");
    expect(await refresh(alone!)).toBe("dead");
    down = true;
    clock.advance(3 * hourMs);
    expect(await refresh(alone!)).toBe("dead");
    const lastError = "refused_alone:new_word";
    expect(await storage.installations.find(alone!)).toMatchObject({ status: "reauthorization_required", lastError });
  });

  test("by a replica whose own secret is wrong is not alone, though the other replica is served", async () => {
    const ids = await orgs(5);
    const right = replicas(() => minted({ now: clock.now() }));
    const platform = Object.assign(scriptedPlatform(), { answer: () => wrong });
    const platforms = onlyPlatforms(withOwnGrants(withBreaker(platform)));
    const replica = createRefresher({ credentials: storage.credentials, platforms, world });
    const asked = ids.slice(0, 4);
    for (let i = 0; i < 8; i++) {
      for (const id of asked) {
        await sql`update credentials set lease_until = null`;
        expect(await replica.refresh(await credentialOf(id))).toMatchObject({ failure: "misconfigured" });
      }
      clock.advance(20_000);
      expect(await right(ids[4]!)).toBe("current");
    }
    expect(await statuses()).toEqual([["active", 5]]);
  });

  test("because it is another client's is nobody's to authorize again", async () => {
    const [foreign, neighbour] = await orgs(2);
    await sql`update credentials set registration = 'another@https://platform.example' where subject = 'T0:bot'`;
    const platforms = onlyPlatforms(withOwnGrants(Object.assign(scriptedPlatform(), { answer: () => minted() })));
    const refresher = createRefresher({ credentials: storage.credentials, platforms, world });
    const ask = async (id: string) => {
      await sql`update credentials set lease_until = null`;
      return refresher.refresh(await credentialOf(id));
    };
    for (let i = 0; i < 8; i++) {
      expect(await ask(foreign!)).toMatchObject({ failure: "misconfigured" });
      clock.advance(30_000);
      expect(await ask(neighbour!)).toMatchObject({ kind: "current" });
    }
    expect((await storage.installations.find(foreign!))?.status).toBe("active");
  });
});
