import { and, count, eq, exists, gt, isNotNull, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { Database } from "../database.ts";
import { auditChains, auditEvents } from "../schema.ts";
import type { Finding } from "./check.ts";

/** A row that its chain does not reach. Looks at both at one moment, since the chain may grow. */
export async function findExtraRow(database: Database, chainId: string): Promise<Finding | undefined> {
  const [row] = await database.read((db) =>
    db
      .select({ id: auditEvents.id, sequence: auditEvents.sequence })
      .from(auditEvents)
      .innerJoin(auditChains, eq(auditChains.id, auditEvents.chainId))
      .where(
        and(
          eq(auditEvents.chainId, chainId),
          or(gt(auditEvents.sequence, auditChains.lastSequence), lte(auditEvents.sequence, auditChains.prunedSequence)),
        ),
      )
      .limit(1),
  );
  if (row === undefined) return undefined;
  const { id, sequence } = row;
  return { flaw: "forged", chainId, id, sequence: sequence ?? undefined, why: "its chain does not reach this row" };
}

/** What is wrong with the number of rows of chains. */
export interface RowCounts {
  /** By chain: whose rows are not as many as its head says. */
  readonly miscounted: Map<string, Finding>;
  /** Of rows whose chain has no head. */
  readonly headless: readonly Finding[];
}

/**
 * Counts the rows of all chains, at one moment. A row that stands twice follows the row before it both times, and an
 * index that was replaced may show either. So the table is counted as a whole, past any index, and only once.
 */
export async function countRows(database: Database): Promise<RowCounts> {
  const counted = await database.read((db) => {
    const chainText = sql<string>`${auditEvents.chainId}::text`;
    const perChain = db
      .select({ chainId: chainText.as("chain_text"), rows: count().as("rows") })
      .from(auditEvents)
      .where(isNotNull(auditEvents.chainId))
      .groupBy(chainText)
      .as("per_chain");
    const { id, lastSequence, prunedSequence } = auditChains;
    return db
      .select({
        headId: id,
        chainId: sql<string>`coalesce(${perChain.chainId}, ${id}::text)`,
        expected: sql`${lastSequence} - ${prunedSequence}`.mapWith(Number),
        rows: sql`coalesce(${perChain.rows}, 0)`.mapWith(Number),
      })
      .from(auditChains)
      .fullJoin(perChain, eq(perChain.chainId, sql`${id}::text`))
      .where(sql`coalesce(${perChain.rows}, 0) is distinct from ${lastSequence} - ${prunedSequence}`);
  });
  const [headless, miscounted] = [counted.filter(isHeadless), counted.filter((chain) => !isHeadless(chain))];
  return {
    miscounted: new Map(miscounted.map((chain) => [chain.chainId, miscount(chain)])),
    headless: headless.map(({ chainId, rows }) => {
      return { flaw: "missing", chainId, why: `it has no head, but ${rows} of its rows are here` };
    }),
  };
}

function isHeadless({ headId }: { readonly headId: string | null }): boolean {
  return headId === null;
}

function miscount({ chainId, expected, rows }: { chainId: string; expected: number; rows: number }): Finding {
  const why = `it has ${rows} rows, and its head says ${expected}`;
  return { flaw: rows > expected ? "forged" : "missing", chainId, why };
}

/** Rows without a chain that were not there before the first chain. */
export async function findStrayRows(database: Database): Promise<readonly Finding[]> {
  const unchained = await database.read((db) =>
    db
      .select({ id: auditEvents.id })
      .from(auditEvents)
      .where(
        and(
          isUnchained,
          exists(db.select({ one: sql`1` }).from(auditChains).where(lte(auditChains.startedAt, auditEvents.at))),
        ),
      )
      .limit(1_000),
  );
  return unchained.map(({ id }): Finding => {
    return { flaw: "forged", chainId: "", id, why: "it belongs to no chain, and is newer than the first one" };
  });
}

const isUnchained: SQL | undefined = or(isNull(auditEvents.chainId), isNull(auditEvents.sequence));

/** Rows from before there were chains. */
export async function countUnchained(database: Database): Promise<number> {
  const [row] = await database.read((db) => db.select({ rows: count() }).from(auditEvents).where(isUnchained));
  return row?.rows ?? 0;
}
