import { sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../../postgres-target.ts";
import { driverError, isUnavailable } from "../database-failure.ts";
import { createPostgresClient } from "./client.ts";

const limits = { statementMs: 3_000, lockMs: 1_000, idleInTransactionMs: 5_000 };

/**
 * Finds the one of several servers that takes writes, so that what follows begins with it. Nothing where there is but one.
 * @throws the driver's error of the last that was tried.
 */
export async function findServer(target: PostgresTarget, random: (bytes: number) => Buffer): Promise<void> {
  for (let left = target.others.length; left > 0; left--) {
    const session = { limits, schema: undefined };
    const client = createPostgresClient(target, { maxConnections: 1, connectTimeoutSeconds: 3, session, random });
    try {
      await client.db.execute(sql`select 1`);
      return;
    } catch (error) {
      if (!isUnavailable(driverError(error))) throw error;
    } finally {
      await client.end(1);
    }
  }
}
