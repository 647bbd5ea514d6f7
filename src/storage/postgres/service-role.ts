import { sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../../postgres-target.ts";
import { within } from "../deadline.ts";
import { appliedMigrations } from "../schema.ts";
import { createPostgresClient } from "./client.ts";

const answerMs = 10_000;

/**
 * Gives an existing role what the service needs of a migrated database, and takes away what would let it change the
 * record. Safe to repeat, and to be repeated after every migration. `target` connects as the owner of the tables, which
 * are in `schema`.
 * @throws Error of the driver if the role does not exist, or may not be granted to.
 */
export async function grantToService(
  target: PostgresTarget,
  schema: string,
  role: string,
  random: (bytes: number) => Buffer,
): Promise<void> {
  const client = createPostgresClient(target, {
    maxConnections: 1,
    connectTimeoutSeconds: 3,
    session: {
      limits: { statementMs: answerMs, lockMs: answerMs, idleInTransactionMs: answerMs },
      schema,
    },
    random,
  });
  try {
    await within(
      answerMs,
      client.db.transaction(async (tx) => {
        for (const statement of grants(role, schema)) await tx.execute(statement);
      }),
    );
  } finally {
    await client.end(1);
  }
}

function grants(role: string, home: string) {
  const to = sql.identifier(role);
  const schema = sql.identifier(home);
  return [
    sql`grant usage on schema ${schema} to ${to}`,
    sql`grant select, insert, update, delete on all tables in schema ${schema} to ${to}`,
    sql`revoke insert, update, delete, truncate, references, trigger on ${appliedMigrations} from ${to}`,
    sql`revoke update, delete, truncate, references, trigger on audit_events from ${to}`,
    sql`revoke update, delete, truncate, references, trigger on audit_chains from ${to}`,
    sql`grant update (updated_at, last_sequence, head_hash, key_id, mac, pruned_key_id, pruned_mac)
      on audit_chains to ${to}`,
    // Triggers call these as whoever writes, also as the one who prunes: where functions are not everybody's by default.
    sql`grant execute on function installation_facts(installations), is_pruning_audit() to public`,
    sql`grant execute on function prune_audit_events(uuid, bigint, bigint, text, text, text) to ${to}`,
    sql`grant execute on function forget_audit_chains(uuid) to ${to}`,
  ];
}
