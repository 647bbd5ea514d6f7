import { sql } from "drizzle-orm/sql";
import type { Queries } from "../database.ts";

/** `on` where nothing can be written: on a standby, or by the server's, the database's or the role's own setting. */
export const readOnly = sql<string>`current_setting('transaction_read_only')`;

/** A server that says it takes no writes, before one is tried: the same as what it answers to one. */
export class OnlyReads extends Error {
  override readonly name = "OnlyReads";
  readonly code = "25006";
  readonly severity = "ERROR";

  constructor() {
    super("the server only reads");
  }
}

export async function isReadOnly(db: Queries): Promise<boolean> {
  const [found] = await db.select({ readOnly }).from(sql`(select 1) as one`);
  return found?.readOnly === "on";
}

/** @throws OnlyReads. */
export async function requireWritable(db: Queries): Promise<void> {
  if (await isReadOnly(db)) throw new OnlyReads();
}
