import { and, asc, eq, gt, lte } from "drizzle-orm";
import type { Database } from "../database.ts";
import { auditEvents } from "../schema.ts";
import type { ChainRow } from "./chains.ts";
import { type AuditRow, hashOf, noHash } from "./rows.ts";

/**
 * What is wrong with a chain. `changed`: a row is not what was written; `missing`: a row or a whole chain is gone;
 * `reordered`: a row does not follow the one before it, so one of both was moved or replaced; `truncated`: the end is
 * gone; `forged`: nobody with the key wrote it; `unverifiable`: its key is not in the ring.
 */
export type Flaw = "changed" | "missing" | "reordered" | "truncated" | "forged" | "unverifiable";

/** The first place at which something is wrong. */
export interface Finding {
  readonly flaw: Flaw;
  readonly chainId: string;
  /** Undefined: of the chain as a whole. */
  readonly sequence?: number | undefined;
  /** The row, where there is one. */
  readonly id?: string | undefined;
  readonly why: string;
}

/** A row that was found to be in order. */
export interface Link {
  readonly sequence: number;
  readonly hash: string;
}

/** What the first row that is kept has to follow. */
export function beginning({ prunedSequence, prunedHash }: ChainRow): Link {
  return { sequence: prunedSequence, hash: prunedHash ?? noHash };
}

/** Rows of a chain after one place and up to another, in order, at most `limit`. */
export function readLinks(
  database: Database,
  chainId: string,
  { after, through, limit }: { readonly after: number; readonly through: number; readonly limit: number },
): Promise<readonly AuditRow[]> {
  return database.read((db) =>
    db
      .select()
      .from(auditEvents)
      .where(and(eq(auditEvents.chainId, chainId), gt(auditEvents.sequence, after), lte(auditEvents.sequence, through)))
      .orderBy(asc(auditEvents.sequence))
      .limit(limit),
  );
}

/** Whether a row is what was written right after `before`. */
export function checkLink(row: AuditRow, chainId: string, before: Link): Finding | Link {
  const sequence = before.sequence + 1;
  const at = { chainId, sequence, id: row.id };
  if (row.sequence !== sequence) {
    const why = `row ${sequence} is gone; the next one is ${row.sequence}`;
    return { flaw: "missing", chainId, sequence, why };
  }
  if (row.previousHash !== before.hash) {
    return { flaw: "reordered", ...at, why: "it does not follow the row before it: one of both was moved or replaced" };
  }
  if (hashOf(row) !== row.hash) return { flaw: "changed", ...at, why: "a column is not what was written" };
  return { sequence, hash: row.hash };
}

export function isFinding(checked: Finding | Link): checked is Finding {
  return "flaw" in checked;
}
