import type { PostgresTarget } from "../../postgres-target.ts";
import type { Database } from "../database.ts";
import { databaseFailure } from "../database-failure.ts";
import { within } from "../deadline.ts";
import { createPostgresClient } from "../postgres/client.ts";
import { findServer } from "../postgres/find-server.ts";
import { stamp } from "../stamp.ts";

export interface ResealDatabase {
  readonly database: Database;
  close(): Promise<void>;
}

/** Counting looks at every row; what writes is done at once or not at all. */
const deadlineMs = { read: 600_000, write: 10_000 };
const limits = { statementMs: deadlineMs.read, lockMs: 1_000, idleInTransactionMs: 5_000 };

/**
 * A few connections of its own for sealing anew, which may take longer than a caller's statement. `target` must be
 * direct. Nothing is migrated: a running service may be of another version.
 * @throws ServiceError SERVICE_UNAVAILABLE; Error if the database is a copy of an embedded one, or not migrated.
 */
export async function openForReseal(
  target: PostgresTarget,
  random: (bytes: number) => Buffer,
): Promise<ResealDatabase> {
  await findServer(target, random);
  const session = { limits, schema: undefined };
  const client = createPostgresClient(target, { maxConnections: 4, connectTimeoutSeconds: 3, session, random });
  const { db } = client;
  async function run<T>(limitMs: number, work: Promise<T>): Promise<T> {
    try {
      return await within(limitMs, work);
    } catch (error) {
      throw databaseFailure(error);
    }
  }
  const database: Database = {
    read: (work) => run(deadlineMs.read, work(db)),
    write: (work) => run(deadlineMs.write, work(db)),
    transaction: (work) => run(deadlineMs.write, db.transaction(work)),
  };
  const close = () => client.end(5);
  try {
    await stamp(database, "postgres");
  } catch (error) {
    await close();
    throw error;
  }
  return { database, close };
}
