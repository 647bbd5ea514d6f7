import { eq } from "drizzle-orm/sql";
import type { Database } from "./database.ts";
import { meta } from "./schema.ts";
import { stampKey } from "./stamp.ts";

/**
 * Takes the lock of one row and gives it back: the smallest thing that Postgres writes and flushes, which leaves no dead
 * row behind. What another replica holds at this moment is not waited for. May be done twice, and is as quick as a read.
 * @throws ServiceError SERVICE_UNAVAILABLE if the server does not answer, or only reads.
 */
export async function proveWritable(database: Database): Promise<void> {
  await database.read((db) =>
    db.select({ key: meta.key }).from(meta).where(eq(meta.key, stampKey)).for("no key update", { skipLocked: true }),
  );
}
