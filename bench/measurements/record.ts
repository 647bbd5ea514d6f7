import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createAuditLog } from "../../src/storage/record/log.ts";
import { pruneRecord } from "../../src/storage/record/prune.ts";
import { createRecordedTransaction } from "../../src/storage/record/recorded-transaction.ts";
import { verifyRecord } from "../../src/storage/record/verify.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSigner, type Signer } from "../../src/storage/seal/signer.ts";
import { createUuid } from "../../src/storage/uuid.ts";
import { quantile } from "../distribution.ts";
import { encryptionKey } from "../encryption-key.ts";
import { count, figure, megabytes, milliseconds } from "../figures.ts";
import type { Bench, Findings, Measurement, Row } from "../measurement.ts";
import { type SeededRecord, seedEmbedded, seedOnPostgres } from "../record/databases.ts";
import { rowsOfADay } from "../record/day-of-use.ts";
import { recordDays } from "../record/seed-record.ts";

export const record: Measurement = {
  name: "record",
  title: "What the record grows by, and how it is pruned and verified",
  run: measure,
};

const dayMs = 24 * 3_600_000;
/** A day's rows of a record of this many. */
const largeRows = 50_000_000;
const dayTarget = 60;
const growthTarget = 1.5;
const hourTarget = 30;

async function measure({ plan, postgres, directory, closers }: Bench): Promise<Findings> {
  const signer = createSigner(parseKeyRing(encryptionKey), "audit");
  const few = { connections: 40, hours: 24, everySeconds: 1 };
  const many = { connections: 10_000, hours: plan.quick ? 1 : 2, everySeconds: 10 };
  const perDay = [await rowsOfADay(few), await rowsOfADay(many)] as const;

  const rows = plan.recordRows;
  // As many rows at a time of each, so that all pay the same for what is not rows; nine times of the small ones.
  const roundRows = rows / 10 / 12;
  const on = async (name: string, size: number) =>
    seedOnPostgres(await postgres.createDatabase(name), size, signer, closers);
  const small = await judge(await on("bench_record_small", rows / 10), signer, roundRows);
  const large = await judge(await on("bench_record_large", rows), signer, roundRows);
  const embedded = await judge(
    await seedEmbedded(join(directory, "record"), rows / 10, signer, closers),
    signer,
    roundRows,
  );
  const all = [small, large, embedded];

  const each = (name: string, of: (judged: Judged) => string, more: Partial<Row> = {}): Row => ({
    cells: [name, ...all.map(of)],
    ...more,
  });
  const growth = large.removedMs / small.removedMs;
  const hourly = perDay[0] / few.connections / 24;
  const ofDay = (large.removedMs * largeRows) / recordDays / 1_000;
  const day = (use: number, { bytesPerRow }: Judged) => `${megabytes(use * bytesPerRow)}`;
  return {
    columns: [
      "",
      `Postgres, ${count(rows / 10)} rows`,
      `Postgres, ${count(rows)} rows`,
      `embedded, ${count(rows / 10)} rows`,
    ],
    rows: [
      each("bytes of a row, with its indexes", ({ bytesPerRow }) => count(bytesPerRow)),
      each(`a day of ${count(few.connections)} connections: ${count(perDay[0])} rows`, (on) => day(perDay[0], on), {
        target: { text: `≤ ${hourTarget} rows an hour for each: ${figure(hourly)}`, met: hourly <= hourTarget },
      }),
      each(`a day of ${count(many.connections)} connections: ${count(perDay[1])} rows`, (on) => day(perDay[1], on)),
      each("verified, seconds for a million rows", ({ verifiedMs }) => figure(verifiedMs * 1_000)),
      each("removed, seconds for a million rows", ({ removedMs }) => figure(removedMs * 1_000), {
        target: { text: `ten times the rows ≤ ${growthTarget}: ${figure(growth)}`, met: growth <= growthTarget },
      }),
      each(
        `a day of a record of ${count(largeRows)} rows removed`,
        ({ removedMs }) => `${figure((removedMs * largeRows) / recordDays / 1_000)} s`,
        {
          target: { text: `≤ ${dayTarget} s`, met: ofDay <= dayTarget },
        },
      ),
      each("first hand-out's row, p50 and p99", ({ alone }) => alone),
      each("the same while rows are removed", ({ beside }) => beside),
    ],
    how: `In constant use every connection is asked for by one caller ${few.everySeconds} time a second (${count(many.connections)}: every ${many.everySeconds} s, for ${many.hours} h), its token replaced every 30 minutes, by the service's own counting and a clock that is moved. The record covers ${recordDays} days and is built of chains of ten days. Verified as by \`audit verify\`, removed as by the hourly job, in this process; ${count(largeRows)} rows of ${recordDays} days have ${count(largeRows / recordDays)} a day.`,
  };
}

interface Judged {
  readonly bytesPerRow: number;
  /** Milliseconds for a row. */
  readonly verifiedMs: number;
  readonly removedMs: number;
  readonly alone: string;
  readonly beside: string;
}

async function judge(seeded: SeededRecord, signer: Signer, roundRows: number): Promise<Judged> {
  const { rows, database, forVerifying, bytes } = seeded;
  const verifiedMs = (await timed(() => verify(forVerifying, signer, rows))) / rows;
  const now = () => new Date();
  const newId = createUuid(now, randomBytes);
  const log = createAuditLog({ database, signer, newId, now });
  const recorded = createRecordedTransaction({ database, signer, newId, now });
  const days = Math.max(1, Math.round((recordDays * roundRows) / rows));
  let daysGone = 0;
  const prune = async (more: number) => {
    daysGone += more;
    const before = new Date(Date.now() - (recordDays - daysGone) * dayMs);
    const row = { kind: "audit.pruned" as const, caller: "service", method: "prune", at: now() };
    const removed = await pruneRecord({ database, signer, before, recorded, record: (count) => [{ ...row, count }] });
    return removed.rows;
  };
  await prune(days);
  let removed = 0;
  const removedMs = await timed(async () => {
    for (let round = 0; round < 4; round++) removed += await prune(days);
  });
  const alone = await append(log, delay(2_000));
  const beside = await append(log, prune(days * 4));
  await verify(forVerifying, signer, undefined);
  return { bytesPerRow: bytes / rows, verifiedMs, removedMs: removedMs / removed, alone, beside };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function verify(database: SeededRecord["database"], signer: Signer, expected: number | undefined): Promise<void> {
  const onFinding = (finding: object) => {
    throw new Error(`the record does not verify: ${JSON.stringify(finding)}`);
  };
  const { rows } = await verifyRecord({
    database,
    signer,
    onFinding,
    onChain: ({ finding }) => finding && onFinding(finding),
  });
  if (expected !== undefined && rows !== expected) throw new Error(`${rows} rows instead of ${expected}`);
}

/** Rows of first hand-outs, one after the other, every 20 ms until `end`. */
async function append(log: ReturnType<typeof createAuditLog>, end: Promise<unknown>): Promise<string> {
  let ended = false;
  const ending = end.finally(() => {
    ended = true;
  });
  const took: number[] = [];
  while (!ended) {
    const event = { kind: "token.issued" as const, at: new Date(), caller: "ci", method: "GetToken", count: 1 };
    took.push(await timed(() => log.append([event])));
    await delay(20);
  }
  await ending;
  const ascending = Float64Array.from(took).sort();
  return `${milliseconds(quantile(ascending, 0.5))}, ${milliseconds(quantile(ascending, 0.99))}`;
}
