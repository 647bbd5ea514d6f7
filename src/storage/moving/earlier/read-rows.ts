import { sql } from "drizzle-orm/sql";
import type { FoundRow } from "../../../domain/model/earlier-row.ts";
import type { PostgresTarget } from "../../../postgres-target.ts";
import { createPostgresClient } from "../../postgres/client.ts";
import { findServer } from "../../postgres/find-server.ts";
import type { RingKey } from "../../seal/key-ring.ts";
import type { JsonRow } from "./columns.ts";
import { readEarlierRow } from "./read-row.ts";
import { type EarlierTable, findEarlierTables } from "./tables.ts";

/** Rows on their way at once. */
const batchRows = 500;
/** Every row is read in one transaction, which takes what storing them takes. */
const limits = { statementMs: 600_000, lockMs: 3_000, idleInTransactionMs: 0 };

/**
 * Reads every row of an earlier service's tables as they are at one moment, and changes nothing there. What was written
 * last comes first, so that of two rows of an organization the newer one is met first.
 * @throws Error that says what to do.
 */
export async function readEarlierRows(
  {
    target,
    keys,
    random,
  }: {
    readonly target: PostgresTarget;
    readonly keys: readonly RingKey[];
    readonly random: (bytes: number) => Buffer;
  },
  take: (row: FoundRow) => Promise<void>,
): Promise<void> {
  await findServer(target, random);
  const session = { limits, schema: undefined };
  const client = createPostgresClient(target, { maxConnections: 1, connectTimeoutSeconds: 3, session, random });
  const fernetKeys = keys.map(({ fernet }) => fernet);
  try {
    await client.db.transaction(async (tx) => {
      await tx.execute(sql`set transaction isolation level repeatable read, read only`);
      for (const table of await findEarlierTables(tx)) {
        await tx.execute(sql.raw(`declare leaving no scroll cursor for ${newestFirst(table)}`));
        for (;;) {
          const rows = await tx.execute<{ id: string; row: string }>(sql.raw(`fetch ${batchRows} from leaving`));
          if (rows.length === 0) break;
          for (const { id, row } of rows) await take(readEarlierRow(id, JSON.parse(row) as JsonRow, fernetKeys));
        }
        await tx.execute(sql`close leaving`);
      }
    });
  } finally {
    await client.end(5);
  }
}

/** By whatever columns there are: neither schema promises all of them. */
function newestFirst({ quotedName }: EarlierTable): string {
  return `select t.id::text as id, to_jsonb(t)::text as row from ${quotedName} t
    order by coalesce(to_jsonb(t) ->> 'updated_at', to_jsonb(t) ->> 'created_at') desc nulls last, 1`;
}
