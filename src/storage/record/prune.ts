import { and, asc, gt, lt, sql } from "drizzle-orm";
import type { Recording } from "../../domain/model/audit-event.ts";
import type { PrunedRecord } from "../../domain/record/upkeep.ts";
import type { Database } from "../database.ts";
import { auditChains } from "../schema.ts";
import type { Signer } from "../seal/signer.ts";
import { type ChainRow, checkAnchor, signedAnchor } from "./chains.ts";
import { beginning, checkLink, isFinding, type Link, readLinks } from "./check.ts";
import { forgetChains } from "./forgotten-chains.ts";
import type { RecordedTransaction } from "./recorded-transaction.ts";

export interface PruneOptions {
  readonly database: Database;
  readonly signer: Signer;
  /** What happened before this is pruned. */
  readonly before: Date;
  /** Stores the rows of `record` together with each batch, or neither. */
  readonly recorded?: RecordedTransaction | undefined;
  /** Of so many rows that were removed. */
  readonly record?: Recording<number> | undefined;
  /** Rows removed by one statement. Default 1,000. */
  readonly batchRows?: number | undefined;
}

/**
 * Removes the oldest rows of every chain, beside services that write and others that prune. Each batch leaves a signed
 * anchor that the rest of the chain is verified from; chains of which nothing is left are forgotten. What does not
 * verify is not pruned: it is evidence.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export async function pruneRecord(options: PruneOptions): Promise<PrunedRecord> {
  const { database, before } = options;
  if (!(await mayPrune(database))) return { allowed: false, rows: 0, broken: [] };
  let rows = 0;
  const broken: string[] = [];
  let after: string | undefined;
  do {
    const chains = await readPrunable(database, before, after);
    for (const chain of chains) {
      const result = await pruneChain(options, chain);
      rows += result.rows;
      if (result.broken) broken.push(chain.id);
    }
    after = chains.at(-1)?.id;
  } while (after !== undefined);
  await forgetChains(options, before);
  return { allowed: true, rows, broken };
}

async function pruneChain(options: PruneOptions, chain: ChainRow) {
  const { database, signer, before, batchRows = 1_000 } = options;
  if (checkAnchor(chain, signer) !== "valid") return { rows: 0, broken: true };
  const { id, lastSequence: through } = chain;
  let rows = 0;
  for (let start = beginning(chain); ; ) {
    const page = await readLinks(database, id, { after: start.sequence, through, limit: batchRows });
    let last = start;
    let broken = false;
    for (const row of page) {
      const checked = row.at < before ? checkLink(row, id, last) : undefined;
      broken = checked !== undefined && isFinding(checked);
      if (checked === undefined || isFinding(checked)) break;
      last = checked;
    }
    const removed = last.sequence > start.sequence ? await remove(options, { id, start, last }) : 0;
    rows += removed;
    // Nothing removed: nothing is old, or another replica was quicker.
    if (broken || removed === 0 || last.sequence - start.sequence < batchRows) return { rows, broken };
    start = last;
  }
}

interface Batch {
  readonly id: string;
  readonly start: Link;
  readonly last: Link;
}

async function remove(options: PruneOptions, { id, start, last }: Batch): Promise<number> {
  const { database, signer, record } = options;
  const { recorded = (work) => database.transaction(work) } = options;
  const { prunedKeyId, prunedMac } = signedAnchor({ id, prunedSequence: last.sequence, prunedHash: last.hash }, signer);
  const removed = sql`prune_audit_events(
    ${id}::uuid, ${start.sequence}::bigint, ${last.sequence}::bigint, ${last.hash}, ${prunedKeyId}, ${prunedMac})`;
  return recorded(
    async (tx) => {
      const [row] = await tx.select({ removed: removed.mapWith(Number) }).from(one);
      return row?.removed ?? 0;
    },
    record && ((rows) => (rows > 0 ? record(rows) : [])),
  );
}

async function mayPrune(database: Database): Promise<boolean> {
  const pruning = "prune_audit_events(uuid, bigint, bigint, text, text, text)";
  const may = sql<boolean>`has_function_privilege(${pruning}, 'execute')`;
  const [row] = await database.read((db) => db.select({ may }).from(one));
  return row?.may === true;
}

const one = sql`(select 1) as one`;

function readPrunable(database: Database, before: Date, after: string | undefined): Promise<readonly ChainRow[]> {
  return database.read((db) =>
    db
      .select()
      .from(auditChains)
      .where(
        and(
          after === undefined ? undefined : gt(auditChains.id, after),
          lt(auditChains.prunedSequence, auditChains.lastSequence),
          lt(auditChains.startedAt, before),
        ),
      )
      .orderBy(asc(auditChains.id))
      .limit(500),
  );
}
