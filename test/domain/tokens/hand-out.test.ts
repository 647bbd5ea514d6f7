import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGate, type Gate } from "../../../rig/gate.ts";
import type { AuditEvent, AuditLog } from "../../../src/domain/model/audit-event.ts";
import type { InstallationRepository } from "../../../src/domain/model/installation-repository.ts";
import { createHandOut, type HandOut } from "../../../src/domain/tokens/hand-out.ts";
import type { IssuedToken } from "../../../src/domain/tokens/issued-token.ts";
import { ServiceError } from "../../../src/errors.ts";
import { Secret } from "../../../src/secret.ts";
import { call } from "../../support/call.ts";
import { connection, scriptedPlatform } from "../../support/scripted-platform.ts";
import { type Domain, openDesk, openDomain } from "../open-domain.ts";

let domain: Domain;
let installationId: string;
beforeAll(async () => {
  domain = await openDomain();
  installationId = (await domain.connect(connection()))[0]!.id;
});
afterAll(() => domain.close());

/** The real log in the real database, whose commits can be counted, held up and made to fail. */
let commits: AuditEvent[][];
let failing: boolean | "once";
let hold: Gate | undefined;
let usesFail: boolean;
let handOut: HandOut;
beforeEach(() => {
  [commits, failing, hold, usesFail] = [[], false, undefined, false];
  const { audit, installations } = domain.storage;
  const observed: AuditLog = {
    async append(events) {
      commits.push([...events]);
      await hold?.opened;
      const broken = failing;
      if (failing === "once") failing = false;
      if (broken) throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
      await audit.append(events);
    },
  };
  const observedInstallations: InstallationRepository = {
    ...installations,
    async recordUse(uses) {
      if (usesFail) throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
      await installations.recordUse(uses);
    },
  };
  handOut = createHandOut({ audit: observed, installations: observedInstallations, world: domain.world });
});

function issued(value: string): IssuedToken {
  const token = new Secret(value);
  return {
    token,
    tokenType: "Bearer",
    expiresAt: undefined,
    scopes: [],
    permissions: {},
    installationId,
    owner: "acme",
    platform: "slack",
    externalOrgId: "T1",
    tokenId: token.fingerprint(),
    apiBaseUrl: "https://api.example",
  };
}

async function rows(value: string) {
  const { tokenId } = issued(value);
  return domain.sql`
    select kind, caller, method, installation_id, address, request_id, count
    from audit_events where token_fingerprint = ${tokenId} order by kind, caller, at`;
}

describe("the first hand-out of a token to a caller", () => {
  test("is on record before the answer", async () => {
    hold = createGate();
    let answered = false;
    const recorded = handOut.record(issued("first"), call({ caller: "indexer" })).then(() => {
      answered = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([answered, commits.length, await rows("first")]).toEqual([false, 1, []]);
    hold.open();
    await recorded;
    expect(await rows("first")).toEqual([
      {
        kind: "token.issued",
        caller: "indexer",
        method: "GetToken",
        installation_id: installationId,
        address: "127.0.0.1",
        request_id: "test",
        count: 1,
      },
    ]);
  });

  test("keeps the fingerprint alone", async () => {
    await handOut.record(issued("a-value-nobody-stores"), call());
    const all = await domain.sql`select row_to_json(e)::text as row from audit_events e`;
    expect(all.filter(({ row }) => String(row).includes("a-value-nobody-stores"))).toEqual([]);
  });

  test("shares its commit with others that arrive while one is being written", async () => {
    hold = createGate();
    const tokens = Array.from({ length: 26 }, (_, n) => issued(`g${n}`));
    const recorded = tokens.map((token) => handOut.record(token, call()));
    hold.open();
    await Promise.all(recorded);
    const written = await domain.sql`
      select count(*)::int as rows from audit_events
      where token_fingerprint = any(${tokens.map(({ tokenId }) => tokenId)}) group by xmin::text order by 1`;
    expect(written.map(({ rows }) => rows)).toEqual([1, 25]);
  });

  test("is refused if its row takes too long, and counted once it is on record after all", async () => {
    hold = createGate();
    const answers = await Promise.allSettled([1, 2].map(() => handOut.record(issued("slow"), call())));
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: "rejected",
        reason: { reason: "SERVICE_UNAVAILABLE", retryAfterMs: 1_000 },
      });
    }
    hold.open();
    await handOut.record(issued("slow"), call());
    expect(commits).toHaveLength(1);
    expect(await rows("slow")).toHaveLength(1);
  });

  test("is one row for callers of the same name who ask at once, and one for each name", async () => {
    const asks = ["a", "a", "b", "a", "b"].map((caller) => handOut.record(issued("shared"), call({ caller })));
    await Promise.all(asks);
    const found = await rows("shared");
    expect(found.map(({ caller, kind }) => [caller, kind])).toEqual([
      ["a", "token.issued"],
      ["b", "token.issued"],
    ]);
    await handOut.flush();
    expect((await rows("shared")).slice(2).map(({ caller, kind, count }) => [caller, kind, count])).toEqual([
      ["a", "token.repeated", 2],
      ["b", "token.repeated", 1],
    ]);
  });

  test("that cannot be put on record does not happen, and the next one tries again", async () => {
    failing = true;
    const asks = await Promise.allSettled([1, 2, 3].map(() => handOut.record(issued("unlucky"), call())));
    for (const ask of asks) {
      expect(ask).toMatchObject({ status: "rejected", reason: { reason: "SERVICE_UNAVAILABLE", retryAfterMs: 1_000 } });
    }
    expect(await rows("unlucky")).toEqual([]);
    failing = false;
    await handOut.record(issued("unlucky"), call());
    expect(await rows("unlucky")).toHaveLength(1);
  });

  test("that failed for another caller at the same moment is written by who waited for it", async () => {
    hold = createGate();
    failing = "once";
    const first = handOut.record(issued("second try"), call());
    const waiting = handOut.record(issued("second try"), call());
    hold.open();
    await expect(first).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    await waiting;
    expect(await rows("second try")).toHaveLength(1);
  });

  test("gives no token to anybody while the record cannot be written", async () => {
    const [made] = await domain.connect(connection());
    const desk = openDesk(domain, [scriptedPlatform()]);
    await domain.sql`alter table audit_events add constraint broken check (caller <> 'anonymous') not valid`;
    await expect(desk.getToken({ installationId: made!.id })).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    await domain.sql`alter table audit_events drop constraint broken`;
    expect((await desk.getToken({ installationId: made!.id })).installationId).toBe(made!.id);
  });
});

describe("further hand-outs", () => {
  test("are counted and written by the next flush, as a row of their own", async () => {
    for (let n = 0; n < 6; n++) await handOut.record(issued("popular"), call());
    expect(commits).toHaveLength(1);
    await handOut.flush();
    await handOut.flush();
    expect((await rows("popular")).map(({ kind, count }) => [kind, count])).toEqual([
      ["token.issued", 1],
      ["token.repeated", 5],
    ]);
    await handOut.record(issued("popular"), call());
    await handOut.flush();
    expect(await rows("popular")).toHaveLength(2);
    domain.clock.advance(3_000);
    await handOut.flush();
    expect((await rows("popular")).at(-1)).toMatchObject({ kind: "token.repeated", count: 1 });
  });

  test("that a flush cannot write are kept for the next one, with those that came since", async () => {
    for (let n = 0; n < 4; n++) await handOut.record(issued("kept"), call());
    failing = true;
    await expect(handOut.flush()).rejects.toThrow();
    failing = false;
    await handOut.record(issued("kept"), call());
    await handOut.flush();
    expect((await rows("kept")).map(({ kind, count }) => [kind, count])).toEqual([
      ["token.issued", 1],
      ["token.repeated", 4],
    ]);
  });

  test("that happen while a flush fails are counted together with those it could not write", async () => {
    for (let n = 0; n < 3; n++) await handOut.record(issued("meanwhile"), call());
    hold = createGate();
    failing = true;
    const flush = handOut.flush();
    await handOut.record(issued("meanwhile"), call());
    hold.open();
    await expect(flush).rejects.toThrow();
    failing = false;
    await handOut.flush();
    expect((await rows("meanwhile")).map(({ kind, count }) => [kind, count])).toEqual([
      ["token.issued", 1],
      ["token.repeated", 3],
    ]);
  });

  test("are not written twice when only the times of use could not be written", async () => {
    for (let n = 0; n < 3; n++) await handOut.record(issued("half"), call());
    usesFail = true;
    await expect(handOut.flush()).rejects.toThrow();
    usesFail = false;
    await handOut.flush();
    expect((await rows("half")).map(({ kind, count }) => [kind, count])).toEqual([
      ["token.issued", 1],
      ["token.repeated", 2],
    ]);
  });
});

describe("another address of a caller", () => {
  const from = (address: string, caller = "stolen") => call({ caller, address });
  const written = async (value: string) => domain.sql`
    select kind, address, detail, count from audit_events
    where token_fingerprint = ${issued(value).tokenId} order by sequence`;
  const addresses = async (value: string) =>
    (await written(value)).map(({ kind, address, count }) => [kind, address, count]);

  test("is a first hand-out of its own, whose repeats are counted apart", async () => {
    const token = issued("two places");
    await handOut.record(token, from("10.0.0.1"));
    expect(handOut.repeat(token, from("10.0.0.1"))).toBe(true);
    expect(handOut.repeat(token, from("203.0.113.9"))).toBe(false);
    for (let n = 0; n < 10; n++) await handOut.record(token, from("203.0.113.9"));
    expect(handOut.repeat(token, from("10.0.0.1"))).toBe(true);
    await handOut.flush();
    expect(await addresses("two places")).toEqual([
      ["token.issued", "10.0.0.1", 1],
      ["token.issued", "203.0.113.9", 1],
      ["token.repeated", "10.0.0.1", 2],
      ["token.repeated", "203.0.113.9", 9],
    ]);
  });

  test("within the same 64 bits of IPv6 is none", async () => {
    const token = issued("one network");
    for (let n = 1; n <= 300; n++) await handOut.record(token, from(`2001:db8::${n.toString(16)}`));
    await handOut.record(token, from("2001:db8:0:1::1"));
    await handOut.flush();
    expect(await addresses("one network")).toEqual([
      ["token.issued", "2001:db8::1", 1],
      ["token.issued", "2001:db8:0:1::1", 1],
      ["token.repeated", "2001:db8::2", 299],
    ]);
  });

  test.each(["one after the other", "at once"])(
    "of a flood that comes %s has a bounded number of rows",
    async (how) => {
      const token = issued(`flood ${how}`);
      const flood = Array.from({ length: 1_000 }, (_, n) => from(`10.1.${n >> 8}.${n & 255}`));
      if (how === "at once") await Promise.all(flood.map((one) => handOut.record(token, one)));
      else for (const one of flood) await handOut.record(token, one);
      expect(handOut.repeat(token, from("10.9.9.9"))).toBe(true);
      expect(handOut.repeat(token, from("10.9.9.9", "another caller"))).toBe(false);
      await handOut.flush();
      const found = await written(`flood ${how}`);
      expect(found.filter(({ kind }) => kind === "token.issued")).toHaveLength(100);
      expect(found.filter(({ kind }) => kind === "token.repeated")).toMatchObject([
        { address: null, detail: "further_addresses", count: 901 },
      ]);
      domain.clock.advance(3_600_000);
      expect(handOut.repeat(token, flood[0]!)).toBe(true);
      expect(handOut.repeat(token, from("10.9.9.9"))).toBe(false);
      await handOut.record(token, from("10.9.9.9"));
      expect((await written(`flood ${how}`)).at(-1)).toMatchObject({ kind: "token.issued", address: "10.9.9.9" });
    },
  );

  test("of a flood is refused with the others while none of their rows can be written", async () => {
    failing = true;
    const flood = Array.from({ length: 150 }, (_, n) => handOut.record(issued("no row"), from(`10.2.0.${n}`)));
    const answers = await Promise.allSettled(flood);
    expect(answers.filter(({ status }) => status === "rejected")).toHaveLength(150);
    expect(handOut.repeat(issued("no row"), from("10.2.0.1"))).toBe(false);
    failing = false;
    for (const address of ["10.2.0.1", "10.2.0.200"]) await handOut.record(issued("no row"), from(address));
    // Rows that were not written take no room from those that can be.
    expect(await addresses("no row")).toEqual([
      ["token.issued", "10.2.0.1", 1],
      ["token.issued", "10.2.0.200", 1],
    ]);
  });
});

describe("the time of last use", () => {
  const lastUse = async () => (await domain.storage.installations.find(installationId))?.lastUsedAt?.getTime() ?? 0;

  test("is written by the flush, and moves with every hand-out", async () => {
    const before = domain.clock.now().getTime();
    await handOut.record(issued("used"), call());
    await handOut.flush();
    const first = await lastUse();
    expect(first).toBeGreaterThanOrEqual(before);
    domain.clock.advance(5_000);
    await handOut.record(issued("used"), call());
    await handOut.flush();
    domain.clock.advance(5_000);
    await handOut.record(issued("used"), call());
    await handOut.flush(true);
    expect(await lastUse()).toBeGreaterThanOrEqual(first + 5_000);
  });

  test("that could not be written is kept, unless there is a later one", async () => {
    await handOut.record(issued("used again"), call());
    const at = domain.clock.now().getTime();
    usesFail = true;
    await expect(handOut.flush()).rejects.toThrow();
    usesFail = false;
    await handOut.flush();
    expect(await lastUse()).toBeGreaterThanOrEqual(at - 1_000);
    usesFail = true;
    await handOut.record(issued("used again"), call());
    await expect(handOut.flush()).rejects.toThrow();
    usesFail = false;
    domain.clock.advance(60_000);
    await handOut.record(issued("used again"), call());
    const later = domain.clock.now().getTime();
    await handOut.flush(true);
    expect(await lastUse()).toBeGreaterThanOrEqual(later - 1_000);
  });

  test("needs nothing where nothing was handed out", async () => {
    await handOut.flush();
    expect(commits).toEqual([]);
  });
});

test("one token that serves two installations is on record for each", async () => {
  const one = issued("of two sites");
  const other = { ...one, installationId: crypto.randomUUID() };
  for (const each of [one, other]) await handOut.record(each, call({ caller: "indexer" }));
  const written = await rows("of two sites");
  expect(written.map(({ kind }) => kind)).toEqual(["token.issued", "token.issued"]);
  expect(new Set(written.map((row) => row.installation_id)).size).toBe(2);
});
