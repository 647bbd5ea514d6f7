import { and, asc, eq, inArray, lte, or, sql } from "drizzle-orm";
import type { Undoing, UndoReason } from "../../domain/connecting/pending-install.ts";
import { ifReadable } from "../credentials/rows.ts";
import type { Queries } from "../database.ts";
import { pendingInstalls } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isOpen, type PendingRow, toPending } from "./pending-rows.ts";
import { openConnection } from "./sealed-connection.ts";

/** An undoing that takes longer than this was interrupted: its process is gone. */
const interruptedAfterMs = 60_000;

/** See PendingInstallRepository.beginUndo. */
export async function beginUndo(
  db: Queries,
  { id, reason, now }: { readonly id: string; readonly reason: UndoReason; readonly now: Date },
  sealer: Sealer,
): Promise<Undoing | undefined> {
  const [row] = await db
    .update(pendingInstalls)
    .set({ undoReason: reason, undoAt: now })
    .where(and(eq(pendingInstalls.id, id), isOpen))
    .returning();
  return row && toUndoing(row, sealer);
}

/** See PendingInstallRepository.beginExpired. Rows that another replica has just taken are passed over. */
export async function beginExpired(
  db: Queries,
  { now, limit }: { readonly now: Date; readonly limit: number },
  sealer: Sealer,
): Promise<readonly Undoing[]> {
  const before = new Date(now.getTime() - interruptedAfterMs);
  const due = db
    .select({ id: pendingInstalls.id })
    .from(pendingInstalls)
    .where(or(and(isOpen, lte(pendingInstalls.expiresAt, now)), lte(pendingInstalls.undoAt, before)))
    .orderBy(asc(pendingInstalls.expiresAt))
    .limit(limit)
    .for("update", { skipLocked: true });
  const rows = await db
    .update(pendingInstalls)
    .set({ undoReason: sql`coalesce(${pendingInstalls.undoReason}, 'expired')`, undoAt: now })
    .where(inArray(pendingInstalls.id, due))
    .returning();
  return rows.map((row) => toUndoing(row, sealer)).filter((undoing) => undoing !== undefined);
}

function toUndoing(row: PendingRow, sealer: Sealer): Undoing | undefined {
  if (row.undoReason === null) return undefined;
  const connection = ifReadable(() => openConnection(sealer, row.id, row.connection));
  return { ...toPending(row), reason: row.undoReason, recorded: row.recorded, connection };
}
