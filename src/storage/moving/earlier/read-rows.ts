import { sql } from "drizzle-orm/sql";
import type { FoundRow } from "../../../domain/model/earlier-row.ts";
import type { PostgresTarget } from "../../../postgres-target.ts";
import { createPostgresClient } from "../../postgres/client.ts";
import { findServer } from "../../postgres/find-server.ts";
import { sessionSettings, statedForTransaction } from "../../postgres/session.ts";
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
 * last comes first, so that of two rows of an organization the newer one is met first. One transaction, which says all of
 * its settings itself, goes through a pooler as well.
 * @throws Error that says what to do, what `take` throws, or the driver's.
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
  const client = createPostgresClient(target, {
    ...{ maxConnections: 1, connectTimeoutSeconds: 3, random },
    session: undefined,
  });
  const settings = sessionSettings({ limits, schema: undefined }, target.session);
  // A policy that hides rows from this user is an error, and no reason to miss them.
  const stated = statedForTransaction({ ...settings, row_security: "off" });
  const fernetKeys = keys.map(({ fernet }) => fernet);
  try {
    await client.db.transaction(async (tx) => {
      await tx.execute(sql`set transaction isolation level repeatable read, read only`);
      await tx.execute(sql.raw(stated));
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

/**
 * By whatever columns there are: neither schema promises all of them. As `json`, which unlike `jsonb` takes every row, and
 * leaves it to us whose text no database takes.
 */
function newestFirst({ quotedName, columns }: EarlierTable): string {
  const times = ["updated_at", "created_at"].filter((name) => columns.has(name)).map((name) => `t.${name}::text`);
  const newest = times.length === 0 ? "" : `coalesce(${times.join(", ")}) collate "C" desc nulls last, `;
  return `select t.id::text as id, row_to_json(t)::text as row from ${quotedName} t order by ${newest}1`;
}
