import { and, count, eq, exists, gt, isNull, lte, notExists, or, type SQL, sql } from "drizzle-orm";
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

/**
 * By chain: whose rows are not as many as its head says, at one moment. A row that stands twice follows the row before
 * it both times, and an index that was replaced may show either. So the table is counted as a whole, past any index.
 */
export async function findMiscounted(database: Database): Promise<Map<string, Finding>> {
  const counted = database.read((db) => {
    const chainText = sql<string>`${auditEvents.chainId}::text`;
    const perChain = db
      .select({ chainId: chainText.as("chain_text"), rows: count().as("rows") })
      .from(auditEvents)
      .groupBy(chainText)
      .as("per_chain");
    const { id, lastSequence, prunedSequence } = auditChains;
    const expected = sql`${lastSequence} - ${prunedSequence}`.mapWith(Number);
    const rows = sql`coalesce(${perChain.rows}, 0)`.mapWith(Number);
    return db
      .select({ chainId: id, expected, rows })
      .from(auditChains)
      .leftJoin(perChain, eq(perChain.chainId, sql`${id}::text`))
      .where(sql`coalesce(${perChain.rows}, 0) <> ${lastSequence} - ${prunedSequence}`);
  });
  return new Map((await counted).map((chain) => [chain.chainId, miscount(chain)]));
}

function miscount({ chainId, expected, rows }: { chainId: string; expected: number; rows: number }): Finding {
  const why = `it has ${rows} rows, and its head says ${expected}`;
  return { flaw: rows > expected ? "forged" : "missing", chainId, why };
}

/** Rows whose chain has no head, and rows without a chain that were not there before the first chain. */
export async function findStrayRows(database: Database): Promise<readonly Finding[]> {
  const headless = await database.read((db) =>
    db
      .select({ chainId: auditEvents.chainId, rows: count() })
      .from(auditEvents)
      .where(
        and(
          sql`${auditEvents.chainId} is not null`,
          notExists(db.select({ one: sql`1` }).from(auditChains).where(eq(auditChains.id, auditEvents.chainId))),
        ),
      )
      .groupBy(auditEvents.chainId)
      .limit(1_000),
  );
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
  return [
    ...headless.map(({ chainId, rows }): Finding => {
      return { flaw: "missing", chainId: chainId ?? "", why: `it has no head, but ${rows} of its rows are here` };
    }),
    ...unchained.map(({ id }): Finding => {
      return { flaw: "forged", chainId: "", id, why: "it belongs to no chain, and is newer than the first one" };
    }),
  ];
}

const isUnchained: SQL | undefined = or(isNull(auditEvents.chainId), isNull(auditEvents.sequence));

/** Rows from before there were chains. */
export async function countUnchained(database: Database): Promise<number> {
  const [row] = await database.read((db) => db.select({ rows: count() }).from(auditEvents).where(isUnchained));
  return row?.rows ?? 0;
}
