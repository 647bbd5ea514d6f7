import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import type { AuditEvent } from "../../src/domain/model/audit-event.ts";
import { ServiceError } from "../../src/errors.ts";
import { Secret } from "../../src/secret.ts";
import type { Database } from "../../src/storage/database.ts";
import type { Finding } from "../../src/storage/record/check.ts";
import { createAuditLog } from "../../src/storage/record/log.ts";
import { pruneRecord } from "../../src/storage/record/prune.ts";
import { createRecordedTransaction } from "../../src/storage/record/recorded-transaction.ts";
import { createRotationRecord, resignRecord } from "../../src/storage/record/resign.ts";
import { verifyRecord } from "../../src/storage/record/verify.ts";
import { createWitness } from "../../src/storage/record/witness.ts";
import { generateKey, parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSigner, type Signer } from "../../src/storage/seal/signer.ts";
import { createUuid } from "../../src/storage/uuid.ts";

export interface OpenedRecord {
  readonly database: Database;
  /** Whether it has a single connection. */
  readonly embedded?: boolean;
  /** Runs SQL beside the service, as a superuser. */
  raw(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

const now = () => new Date();
const newId = createUuid(now, randomBytes);
const key = generateKey(randomBytes).reveal();
const signerOf = (keys: string): Signer => createSigner(parseKeyRing(new Secret(keys)), "audit");
const signer = signerOf(key);
const dayMs = 24 * 3_600_000;

/** What the chains of the record promise, whatever the database. */
export function describeRecord({ database, raw, embedded = false }: OpenedRecord): void {
  const open = (on: Database = database, at = now) => createAuditLog({ database: on, signer, newId, now: at });
  /** A process of ten days ago. */
  const openOld = () => open(database, () => tenDaysAgo());
  const tenDaysAgo = () => new Date(Date.now() - 10 * dayMs);
  const fiveDaysAgo = () => new Date(Date.now() - 5 * dayMs);
  const witness = (log = open()) => createWitness({ database, log, now })();
  const prune = (before: Date, batchRows?: number) => pruneRecord({ database, signer, before, batchRows });

  function event(changes: Partial<AuditEvent> = {}): AuditEvent {
    return {
      ...{ kind: "token.issued", at: now(), caller: "ci", method: "GetToken", installationId: crypto.randomUUID() },
      ...{ owner: "acme", platform: "github", tokenFingerprint: "ab".repeat(32), address: "127.0.0.1" },
      ...{ requestId: "r", policyHash: "cd".repeat(32), detail: "word", count: 1 },
      ...changes,
    };
  }
  const events = (count: number, changes: Partial<AuditEvent> = {}) =>
    Array.from({ length: count }, () => event(changes));

  /** As an owner of the tables would who wants to hide something. */
  async function tamper(...statements: readonly string[]): Promise<void> {
    await raw("set session_replication_role = replica");
    try {
      for (const statement of statements) await raw(statement);
    } finally {
      await raw("set session_replication_role = origin");
    }
  }

  async function verify(options: { signer?: Signer; from?: Date; pageRows?: number } = {}) {
    const findings: Finding[] = [];
    const total = await verifyRecord({
      ...{ database, signer, pageRows: 3, ...options },
      onChain: ({ finding }) => void (finding !== undefined && findings.push(finding)),
      onFinding: (finding) => void findings.push(finding),
    });
    expect(total.findings).toBe(findings.length);
    return { ...total, findings };
  }

  const empty = () =>
    tamper(
      "delete from audit_events",
      "delete from audit_chains",
      "delete from meta where key = 'audit_chains_forgotten'",
    );
  beforeEach(empty);

  describe("a chain", () => {
    test("holds every row of its process in one order, and verifies", async () => {
      const log = open();
      await log.append(events(5));
      await Promise.all(Array.from({ length: 20 }, () => log.append([event()])));
      const rows = await raw("select chain_id, sequence::int, previous_hash, hash from audit_events order by sequence");
      expect(rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
      expect(rows.slice(1).map((row) => row.previous_hash)).toEqual(rows.slice(0, -1).map((row) => row.hash));
      expect(new Set(rows.map((row) => row.chain_id)).size).toBe(1);
      expect(await verify()).toEqual({ chains: 1, rows: 25, findings: [], unchained: 0 });
    });

    test("is written with its head by one statement, which reads nothing, and those who wait share the next", async () => {
      const asked: string[] = [];
      const counted: Database = {
        ...database,
        read(work) {
          asked.push("read");
          return database.read(work);
        },
        write(work) {
          asked.push("write");
          return database.write(work);
        },
      };
      const log = open(counted);
      await log.append([event()]);
      expect(asked).toEqual(["write"]);
      await Promise.all(Array.from({ length: 20 }, () => log.append([event()])));
      expect(asked).toEqual(["write", "write", "write"]);
    });

    test("takes text that the database does not, and verifies", async () => {
      const rough = event({
        caller: "nul \0, half \ud800",
        installationId: "no uuid",
        requestId: "\u2028 ü 🙂 \"' \\",
      });
      await open().append([rough, event({ installationId: crypto.randomUUID().toUpperCase() })]);
      expect((await verify()).findings).toEqual([]);
    });

    test("is not held up by an event that the database refuses", async () => {
      const log = open();
      const appended = await Promise.allSettled([
        log.append([event()]),
        log.append([event({ caller: "a" })]),
        log.append([event({ count: 0 })]),
        log.append([event({ caller: "b" })]),
      ]);
      expect(appended.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
      expect((await verify()).findings).toEqual([]);
      expect(await raw("select 1 from audit_events where caller in ('a', 'b')")).toHaveLength(2);
    });

    test("survives any run of writes that fail, that are unclear, and that come late", async () => {
      type Fate = "done" | "refused" | "unclear" | "late";
      const away = () => new ServiceError("SERVICE_UNAVAILABLE", "away");
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom<Fate>("done", "refused", "unclear", "late"), { maxLength: 12 }),
          async (fates) => {
            await empty();
            const late: (() => Promise<unknown>)[] = [];
            let fate: Fate = "done";
            const unsure: Database = {
              ...database,
              async write(work) {
                if (fate === "refused") throw away();
                if (fate === "late") {
                  late.push(() => database.write(work));
                  throw away();
                }
                const done = await database.write(work);
                if (fate === "unclear") throw away();
                return done;
              },
            };
            const log = open(unsure);
            const answered: string[] = [];
            for (fate of fates) {
              const one = event({ requestId: crypto.randomUUID() });
              await log.append([one, event()]).then(
                () => answered.push(one.requestId ?? ""),
                () => undefined,
              );
            }
            for (const write of late) await write();
            expect((await verify()).findings).toEqual([]);
            const kept = await raw("select request_id from audit_events");
            expect(kept.map((row) => row.request_id)).toEqual(expect.arrayContaining(answered));
          },
        ),
        { numRuns: 30 },
      );
    });

    test("that is given up is named by the next one of its process", async () => {
      let broken = false;
      const breaking: Database = {
        ...database,
        write: (work) =>
          broken ? Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "away")) : database.write(work),
      };
      const log = open(breaking);
      await log.append(events(2));
      const [first] = await raw("select id from audit_chains");
      broken = true;
      await expect(log.append(events(1))).rejects.toThrow("away");
      broken = false;
      await log.append(events(1));
      await tamper(
        `delete from audit_events where chain_id = '${first?.id}'`,
        `delete from audit_chains where id = '${first?.id}'`,
      );
      expect((await verify()).findings).toMatchObject([{ flaw: "missing", chainId: first?.id }]);
    });
  });

  describe("rows that belong to a change", () => {
    const recording = (on: Database = database) => createRecordedTransaction({ database: on, signer, newId, now });
    const nothing = async () => undefined;

    test("are a chain that verifies, whatever becomes of their transactions", async () => {
      type Fate = "done" | "undone" | "refused" | "unclear" | "given up";
      const fates: readonly Fate[] = ["done", "undone", "refused", "unclear", "given up"];
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom(...fates), { maxLength: 12 }), async (run) => {
          await empty();
          const unsure: Database = {
            ...database,
            async transaction(work) {
              const fate = run.at(begun++);
              const done = database.transaction(work);
              if (fate !== "unclear" && fate !== "given up") return done;
              // The deadline passed: the transaction goes on unwatched.
              if (fate === "unclear") await done;
              else done.catch(() => undefined);
              throw new ServiceError("SERVICE_UNAVAILABLE", "away");
            },
          };
          let begun = 0;
          const recorded = recording(unsure);
          const ends = await Promise.allSettled(
            run.map((fate, index) =>
              recorded(nothing, () => {
                if (fate === "undone") throw new Error("undone");
                return [event({ requestId: String(index), count: fate === "refused" ? 0 : 1 }), event()];
              }),
            ),
          );
          expect(ends.map(({ status }) => status === "fulfilled")).toEqual(run.map((fate) => fate === "done"));
          // What was given up may still be under way.
          await recorded(nothing, () => [event()]);
          expect((await verify()).findings).toEqual([]);
          const kept = await raw("select request_id from audit_events");
          const answered = run.flatMap((fate, index) => (fate === "done" ? [String(index)] : []));
          expect(kept.map((row) => row.request_id)).toEqual(expect.arrayContaining(answered));
        }),
        { numRuns: 30 },
      );
    });

    test("hold up nobody's record while their change waits, and are written when it has gone through", async () => {
      const recorded = recording();
      const gate = createGate();
      const slow = recorded(
        () => gate.opened,
        () => [event({ requestId: "slow" })],
      );
      // On the embedded database a transaction has the only connection there is.
      if (!embedded) {
        await recorded(nothing, () => [event({ requestId: "quick" })]);
        await open().append([event({ requestId: "alone" })]);
        expect(await raw("select request_id from audit_events where request_id = 'slow'")).toEqual([]);
      }
      gate.open();
      await slow;
      expect(await raw("select request_id from audit_events where request_id = 'slow'")).toHaveLength(1);
      expect((await verify()).findings).toEqual([]);
    });

    test("are written beside rows that stand alone, by many at once", async () => {
      const recorded = recording();
      const log = open();
      await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          index % 2 === 0 ? recorded(nothing, () => events(2)) : log.append(events(2)),
        ),
      );
      expect(await verify()).toEqual({ chains: 2, rows: 60, findings: [], unchained: 0 });
    });
  });

  describe("verifying a history of several chains", () => {
    let chains: string[];

    /** Three chains: one with an anchor, one that names it, one that names both. */
    async function write(): Promise<void> {
      const [a, b, c] = [openOld(), open(), open()];
      await a.append(events(2, { at: tenDaysAgo() }));
      await a.append([event({ owner: undefined, detail: undefined }), ...events(3)]);
      expect(await prune(fiveDaysAgo())).toEqual({ allowed: true, rows: 2, broken: [] });
      await b.append([...events(2), event({ installationId: undefined, tokenFingerprint: undefined })]);
      await witness(b);
      await c.append(events(2));
      await witness(c);
      chains = [a, b, c].map(({ chainId }) => chainId ?? "");
      await raw("drop table if exists kept_events, kept_chains");
      await raw("create table kept_events as table audit_events");
      await raw("create table kept_chains as table audit_chains");
    }
    async function restore(): Promise<void> {
      await tamper(
        ...["delete from audit_events", "delete from audit_chains"],
        ...["insert into audit_events table kept_events", "insert into audit_chains table kept_chains"],
      );
    }
    /** What an owner can take away first. */
    async function dropChecks(): Promise<void> {
      const checks = await raw(`
        select conrelid::regclass::text as table, conname from pg_constraint
        where contype = 'c' and conrelid in ('audit_events'::regclass, 'audit_chains'::regclass)`);
      for (const { table, conname } of checks) await raw(`alter table ${table} drop constraint ${conname}`);
      await raw("alter table audit_events alter column kind drop not null, alter column caller drop not null");
    }
    async function expectFound(what: string, ...statements: readonly string[]): Promise<readonly Finding[]> {
      await tamper(...statements);
      const { findings } = await verify();
      expect(findings.length, `${what} is found`).toBeGreaterThan(0);
      await restore();
      return findings;
    }

    const other: Readonly<Record<string, string>> = {
      uuid: "gen_random_uuid()",
      text: "coalesce(%, '') || 'x'",
      integer: "% + 1",
      bigint: "% + 1000",
      "timestamp with time zone": "% + interval '1 millisecond'",
    };

    test.each(["audit_events", "audit_chains"])(
      "finds a change of any column of any row of %s",
      { timeout: 120_000 },
      async (table) => {
        await dropChecks();
        await write();
        expect((await verify()).findings).toEqual([]);
        const columns = await raw(
          `select column_name as name, data_type as type from information_schema.columns
        where table_schema = 'public' and table_name = $1 order by ordinal_position`,
          [table],
        );
        expect(columns.length).toBeGreaterThan(10);
        const rows = await raw(`select * from ${table}`);
        for (const row of rows) {
          for (const { name, type } of columns as { name: string; type: string }[]) {
            const change = (other[type] ?? "").replaceAll("%", name);
            const by = `update ${table} set ${name} =`;
            await expectFound(`${name} changed`, `${by} ${change} where id = '${row.id}'`);
            const empty = row[name] === null || name === "id" || ["at", "method", "count"].includes(name);
            const strict = table === "audit_chains";
            if (!empty && !strict) await expectFound(`${name} emptied`, `${by} null where id = '${row.id}'`);
          }
        }
      },
    );

    test("finds what was removed, moved, added or rewritten", { timeout: 120_000 }, async () => {
      await dropChecks();
      await write();
      expect((await verify()).findings).toEqual([]);
      const [a = "", b = "", c = ""] = chains;
      for (const n of [3, 4, 5, 6]) {
        const removed = `delete from audit_events where chain_id = '${a}' and sequence = ${n}`;
        const flaw = n === 6 ? "truncated" : "missing";
        expect(await expectFound(`row ${n} removed`, removed)).toMatchObject([{ flaw, chainId: a, sequence: n }]);
      }
      const places = `set sequence = 9 - sequence where chain_id = '${a}' and sequence in (4, 5)`;
      await raw("drop index audit_events_chain");
      expect(await expectFound("two rows swapped", `update audit_events ${places}`)).toMatchObject([
        { flaw: "reordered", chainId: a, sequence: 4 },
      ]);
      await raw("create unique index audit_events_chain on audit_events (chain_id, sequence)");
      const links = ["previous_hash", "hash"].map(
        (name) => `${name} = (select ${name} from kept_events y
          where y.chain_id = x.chain_id and y.sequence = 9 - x.sequence)`,
      );
      await expectFound(
        "two rows swapped that keep their places",
        `update audit_events x set id = gen_random_uuid(), ${links.join(", ")}
        where chain_id = '${a}' and sequence in (4, 5)`,
      );

      const copy = (chain: string, sequence: number) => `insert into audit_events
        select gen_random_uuid(), at, kind, 'intruder', method, installation_id, token_fingerprint, address, request_id, count,
          owner, platform, policy_hash, detail, ${chain}, ${sequence}, hash, hash from kept_events
        where chain_id = '${a}' and sequence = 6`;
      expect(await expectFound("a row after the end", copy("chain_id", 7))).toMatchObject([
        { flaw: "forged", chainId: a, sequence: 7 },
      ]);
      expect(await expectFound("a row before the beginning", copy("chain_id", 2))).toMatchObject([{ flaw: "forged" }]);
      expect(await expectFound("a row of no chain", copy("null", 1))).toMatchObject([{ flaw: "forged" }]);
      expect(await expectFound("a row of an unknown chain", copy("gen_random_uuid()", 1))).toMatchObject([
        { flaw: "missing" },
      ]);

      const stranger = signerOf(generateKey(randomBytes).reveal());
      await createAuditLog({ database, signer: stranger, newId, now }).append(events(2));
      expect((await verify()).findings).toMatchObject([{ flaw: "unverifiable" }]);
      await tamper(
        `update audit_chains set key_id = '${signer.sign("").keyId}' where key_id <> '${signer.sign("").keyId}'`,
      );
      expect((await verify()).findings).toMatchObject([{ flaw: "forged" }]);
      await restore();

      const cut = `delete from audit_events where chain_id = '${a}' and sequence > 4`;
      const head = `update audit_chains set last_sequence = 4,
        head_hash = (select hash from audit_events where chain_id = '${a}' and sequence = 4) where id = '${a}'`;
      expect(await expectFound("a cut end with a made-up head", cut, head)).toContainEqual(
        expect.objectContaining({ flaw: "forged", chainId: a }),
      );
      await expectFound("a chain without its head", `delete from audit_chains where id = '${c}'`);
      await expectFound("the rows of a chain", `delete from audit_events where chain_id = '${c}'`);
      const whole = (chain: string) => [
        `delete from audit_events where chain_id = '${chain}'`,
        `delete from audit_chains where id = '${chain}'`,
      ];
      expect(await expectFound("a whole chain", ...whole(a))).toMatchObject([{ flaw: "missing", chainId: a }]);
      expect(await expectFound("all but the last", ...whole(a), ...whole(b))).toMatchObject([
        { flaw: "missing" },
        { flaw: "missing" },
      ]);
    });

    test("finds a chain that was set back to an earlier state of its own, once another has seen it", async () => {
      const a = open();
      await a.append(events(2));
      await raw("drop table if exists kept_chains");
      await raw("create table kept_chains as table audit_chains");
      await a.append(events(2));
      const setBack = [
        "delete from audit_events where sequence > 2 and kind = 'token.issued'",
        `update audit_chains c set (last_sequence, head_hash, updated_at, mac) =
          (select last_sequence, head_hash, updated_at, mac from kept_chains k where k.id = c.id)
          where exists (select from kept_chains k where k.id = c.id)`,
      ];
      await witness();
      await tamper(...setBack);
      expect((await verify()).findings).toMatchObject([{ flaw: "truncated", chainId: a.chainId }]);
    });

    test("goes on beside a chain that is written and pruned meanwhile", async () => {
      const log = openOld();
      await log.append(events(40, { at: tenDaysAgo() }));
      let working = 2;
      const done = () => void working--;
      const writing = (async () => {
        for (let n = 0; n < 30; n++) await log.append(events(3));
      })().finally(done);
      const pruning = prune(fiveDaysAgo(), 4).finally(done);
      while (working > 0) expect((await verify({ pageRows: 10 })).findings).toEqual([]);
      await Promise.all([writing, pruning]);
      expect(await verify()).toMatchObject({ rows: 90, findings: [] });
    });

    test("finds a row that stands twice, wherever a page ends, although an index allows it", async () => {
      const log = open();
      await log.append(events(7));
      await raw("drop index audit_events_chain");
      await raw("create index audit_events_chain on audit_events (chain_id, sequence)");
      try {
        for (const sequence of [1, 3, 5, 7]) {
          await tamper(`insert into audit_events select gen_random_uuid(), at, kind, 'hidden', method, installation_id,
            token_fingerprint, address, request_id, count, owner, platform, policy_hash, detail, chain_id, sequence,
            previous_hash, hash from audit_events where sequence = ${sequence}`);
          for (const pageRows of [1, 3, 1_000]) {
            for (const from of [undefined, new Date(Date.now() + dayMs)]) {
              const { findings } = await verify({ pageRows, ...(from && { from }) });
              expect(findings, `row ${sequence}, pages of ${pageRows}`).toMatchObject([{ chainId: log.chainId }]);
            }
          }
          await tamper("delete from audit_events where caller = 'hidden'");
          expect((await verify()).findings).toEqual([]);
        }
      } finally {
        await raw("drop index audit_events_chain");
        await raw("create unique index audit_events_chain on audit_events (chain_id, sequence)");
      }
    });

    test("of a time believes no time that this service did not sign", async () => {
      const log = open();
      await log.append(events(3));
      // What the restricted role of the service may do, too.
      await raw("update audit_chains set updated_at = updated_at - interval '30 days'");
      const from = new Date(Date.now() - dayMs);
      expect((await verify({ from })).findings).toMatchObject([{ flaw: "forged", chainId: log.chainId }]);
      await log.append(events(1));
      expect(await verify({ from })).toMatchObject({ chains: 1, rows: 4, findings: [] });
    });

    test("of a time leaves out chains that nothing was written to since", async () => {
      await open().append(events(1));
      const from = new Date(Date.now() + 60_000);
      expect(await verify({ from })).toMatchObject({ chains: 0, findings: [] });
      expect(await verify({ from: new Date(Date.now() - 60_000) })).toMatchObject({ chains: 1, rows: 1 });
    });
  });

  describe("pruning", () => {
    test("leaves an anchor that the rest is verified from, and removes nothing that is not old", async () => {
      const log = openOld();
      await log.append(events(7, { at: tenDaysAgo() }));
      await log.append([event(), event({ at: tenDaysAgo() }), event()]);
      expect(await prune(fiveDaysAgo(), 3)).toEqual({ allowed: true, rows: 7, broken: [] });
      expect(await verify()).toMatchObject({ chains: 1, rows: 3, findings: [] });
      expect(await prune(fiveDaysAgo())).toEqual({ allowed: true, rows: 0, broken: [] });
      await log.append(events(2));
      expect(await verify()).toMatchObject({ rows: 5, findings: [] });
    });

    test("may take a whole chain, whose head stays while it was written to not long ago", async () => {
      let at = tenDaysAgo();
      const log = open(database, () => at);
      for (let n = 0; n < 10; n++) {
        await log.append(events(1, { at: tenDaysAgo() }));
        at = new Date(at.getTime() + 23 * 3_600_000);
      }
      await witness();
      expect(await prune(fiveDaysAgo())).toMatchObject({ rows: 10 });
      expect(await verify()).toMatchObject({ chains: 2, rows: 1, findings: [] });
    });

    test("forgets a chain that ended so long ago, which is not missing to those who saw it", async () => {
      for (let n = 0; n < 3; n++) await openOld().append(events(4, { at: tenDaysAgo() }));
      await witness();
      expect(await prune(fiveDaysAgo())).toMatchObject({ rows: 12 });
      expect(await raw("select 1 from audit_chains")).toHaveLength(1);
      expect(await verify()).toMatchObject({ chains: 1, rows: 3, findings: [] });
      await openOld().append(events(1, { at: tenDaysAgo() }));
      await prune(fiveDaysAgo());
      expect(await verify()).toMatchObject({ rows: 3, findings: [] });
    });

    test("forgets no chain behind one that stays, and what is gone without its word is missing", async () => {
      const [first, live, last] = [openOld(), open(), openOld()];
      await first.append(events(2, { at: tenDaysAgo() }));
      await live.append(events(2));
      await last.append(events(2, { at: tenDaysAgo() }));
      await witness();
      await prune(fiveDaysAgo());
      const kept = await raw("select id from audit_chains");
      expect(kept.map(({ id }) => id)).toEqual(expect.arrayContaining([live.chainId, last.chainId]));
      expect(kept).toHaveLength(3);
      const gone = `delete from audit_chains where id = '${last.chainId}'`;
      await tamper(gone);
      expect((await verify()).findings).toMatchObject([{ flaw: "missing", chainId: last.chainId }]);
      await tamper(`update meta set value = replace(value, '${first.chainId}', '${last.chainId}')
        where key = 'audit_chains_forgotten'`);
      const { findings } = await verify();
      expect(findings.map(({ flaw, chainId }) => `${flaw} ${chainId}`).sort()).toEqual(
        [`forged ${last.chainId}`, `missing ${first.chainId}`, `missing ${last.chainId}`].sort(),
      );
    });

    test("of heads is refused while they have rows, or ended within two days, whoever asks", async () => {
      await openOld().append(events(2, { at: tenDaysAgo() }));
      const forget = () => raw("select forget_audit_chains('ffffffff-ffff-ffff-ffff-ffffffffffff')");
      await expect(forget()).rejects.toMatchObject({ code: "42501" });
      await empty();
      await open().append(events(2, { at: tenDaysAgo() }));
      await prune(fiveDaysAgo());
      await expect(forget()).rejects.toMatchObject({ code: "42501" });
      await expect(raw("delete from audit_chains")).rejects.toMatchObject({ code: "42501" });
    });

    test("leaves alone what a process writes that rested long", async () => {
      let at = tenDaysAgo();
      const log = open(database, () => at);
      await log.append(events(2, { at }));
      const before = log.chainId;
      at = new Date(at.getTime() + dayMs - 1);
      await log.append(events(1, { at }));
      expect(log.chainId).toBe(before);
      await prune(fiveDaysAgo());
      expect(await raw("select 1 from audit_chains")).toEqual([]);
      at = now();
      await log.append(events(1));
      expect(log.chainId).not.toBe(before);
      expect(await verify()).toMatchObject({ chains: 1, rows: 2, findings: [] });
    });

    test("is on record with what it removes, or removes nothing", async () => {
      await openOld().append(events(5, { at: tenDaysAgo() }));
      const recorded = createRecordedTransaction({ database, signer, newId, now });
      const pruned = (record: (rows: number) => readonly AuditEvent[]) =>
        pruneRecord({ database, signer, before: fiveDaysAgo(), batchRows: 2, recorded, record });
      const row = (count: number) => [event({ kind: "audit.pruned", count })];
      await expect(pruned((rows) => [...row(rows), event({ count: 2 ** 31 })])).rejects.toMatchObject({
        reason: "SERVICE_UNAVAILABLE",
      });
      expect((await verify()).rows).toBe(5);
      expect(await pruned(row)).toMatchObject({ rows: 5 });
      expect(await raw("select count from audit_events where kind = 'audit.pruned' order by sequence")).toEqual([
        { count: 2 },
        { count: 2 },
        { count: 1 },
      ]);
      expect((await verify()).findings).toEqual([]);
    });

    test("by several at once removes each row once", async () => {
      for (let n = 0; n < 3; n++) await openOld().append(events(20, { at: tenDaysAgo() }));
      const pruned = await Promise.all(Array.from({ length: 4 }, () => prune(fiveDaysAgo(), 4)));
      const removed = pruned.reduce((sum, { rows }) => sum + rows, 0);
      const rest = await prune(fiveDaysAgo(), 4);
      expect(removed + rest.rows).toBe(60);
      expect(await verify()).toMatchObject({ rows: 0, findings: [] });
    });

    test("stops at what does not verify, since that is evidence", async () => {
      const log = openOld();
      await log.append(events(6, { at: tenDaysAgo() }));
      await tamper("update audit_events set caller = 'nobody' where sequence = 3");
      expect(await prune(fiveDaysAgo())).toEqual({ allowed: true, rows: 2, broken: [log.chainId] });
      expect(await raw("select 1 from audit_events")).toHaveLength(4);
      expect((await verify()).findings).toMatchObject([{ flaw: "changed", sequence: 3 }]);
    });

    test("goes on from no anchor that somebody else made", async () => {
      const log = openOld();
      await log.append(events(6, { at: tenDaysAgo() }));
      await tamper(
        `update audit_chains set pruned_sequence = 2, pruned_key_id = key_id, pruned_mac = mac,
          pruned_hash = (select hash from audit_events where sequence = 2)`,
        "delete from audit_events where sequence <= 2",
      );
      expect(await prune(fiveDaysAgo())).toEqual({ allowed: true, rows: 0, broken: [log.chainId] });
      expect((await verify()).findings).toMatchObject([{ flaw: "forged", why: expect.stringContaining("anchor") }]);
    });

    test("of anything younger than a day is refused, whoever asks", async () => {
      await openOld().append(events(2));
      const tomorrow = new Date(Date.now() + dayMs);
      await expect(prune(tomorrow)).rejects.toMatchObject({ cause: { code: "42501" } });
      expect(await raw("select 1 from audit_events")).toHaveLength(2);
    });
  });

  describe("another key", () => {
    const next = generateKey(randomBytes).reveal();
    const both = signerOf(`${next},${key}`);
    const latest = signerOf(next);

    test("verifies what the former one signed while the ring has it, and says so when it has not", async () => {
      const log = openOld();
      await log.append(events(4, { at: tenDaysAgo() }));
      await log.append(events(2));
      await prune(fiveDaysAgo());
      expect((await verify({ signer: both })).findings).toEqual([]);
      expect((await verify({ signer: latest })).findings).toMatchObject([
        { flaw: "unverifiable", why: expect.stringContaining(signer.sign("").keyId) },
      ]);
    });

    test("takes the place of the former one in heads and anchors, while the service writes", async () => {
      const log = openOld();
      await log.append(events(4, { at: tenDaysAgo() }));
      await log.append(events(2));
      await open().append(events(1));
      await prune(fiveDaysAgo());
      const rotation = createRotationRecord({ database, signer: both, now, random: randomBytes }, "k");
      await rotation.ended(0);
      expect(await resignRecord(database, both, rotation.begun)).toEqual({ resigned: 2, unverifiable: 0 });
      await rotation.ended(0);
      expect((await verify({ signer: latest })).findings).toEqual([]);
      expect(await raw("select detail, count from audit_events where kind = 'keys.rotated' order by sequence")).toEqual(
        [
          { detail: "k begun", count: 1 },
          { detail: "k", count: 1 },
        ],
      );
      await log.append(events(1));
      expect((await verify({ signer: both })).findings).toEqual([]);
    });

    test("takes the place of the former one in the word of chains that were forgotten", async () => {
      await openOld().append(events(2, { at: tenDaysAgo() }));
      const log = open();
      await witness(log);
      await prune(fiveDaysAgo());
      expect((await verify({ signer: latest })).findings).toContainEqual(
        expect.objectContaining({ flaw: "unverifiable", why: expect.stringContaining("forgotten") }),
      );
      expect(await resignRecord(database, latest)).toEqual({ resigned: 0, unverifiable: 2 });
      expect(await resignRecord(database, both)).toEqual({ resigned: 1, unverifiable: 0 });
      expect((await verify({ signer: latest })).findings).toEqual([]);
    });

    test("signs nothing that somebody else signed, and nothing it cannot check", async () => {
      await open().append(events(1));
      await createAuditLog({ database, signer: signerOf(generateKey(randomBytes).reveal()), newId, now }).append(
        events(1),
      );
      await tamper(`update audit_chains set mac = repeat('0', 64) where key_id = '${signer.sign("").keyId}'`);
      expect(await resignRecord(database, both)).toEqual({ resigned: 0, unverifiable: 2 });
    });
  });
}
