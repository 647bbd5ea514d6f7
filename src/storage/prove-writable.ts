import { eq } from "drizzle-orm/sql";
import type { Database, Queries } from "./database.ts";
import { meta } from "./schema.ts";
import { stampKey } from "./stamp.ts";

/**
 * Takes the lock of one row and gives it back: the smallest thing that Postgres writes and flushes, which leaves no dead
 * row behind. May be done twice, and is as quick as a read.
 * @throws ServiceError SERVICE_UNAVAILABLE if the server does not answer, does not get to the end of a commit, or only reads.
 */
export async function proveWritable(database: Database): Promise<void> {
  const row = (db: Queries) => db.select({ key: meta.key }).from(meta).where(eq(meta.key, stampKey));
  await database.read(async (db) => {
    const taken = await row(db).for("no key update", { skipLocked: true });
    // Another replica has it at this moment; or a commit has it that waits for a standby and does not end.
    if (taken.length === 0) await row(db).for("no key update");
  });
}
