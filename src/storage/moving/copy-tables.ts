import type { Transaction as SourceTransaction } from "@electric-sql/pglite";
import { eq, sql } from "drizzle-orm/sql";
import { getTableName } from "drizzle-orm/table";
import { ownName } from "../../domain/deliveries/own-changes.ts";
import type { Queries } from "../database.ts";
import { cursorKey } from "../deliveries/change-cursor.ts";
import { forgottenKey } from "../record/forgotten-chains.ts";
import {
  appliedMigrations,
  attempts,
  auditChains,
  auditEvents,
  concerns,
  credentials,
  flows,
  installationChanges,
  installationCredentials,
  installationProducts,
  installations,
  installLinks,
  linkAccounts,
  linkCodes,
  meta,
  pendingInstalls,
  rateLimits,
  webhookDeliveries,
  webhooks,
} from "../schema.ts";

/** In the order in which they name each other's rows. */
export const copiedTables = [
  ...[installations, credentials, installationCredentials, attempts, installLinks, pendingInstalls],
  ...[linkCodes, linkAccounts, flows],
  ...[installationChanges, webhooks, webhookDeliveries, concerns],
  ...[auditChains, auditEvents],
] as const;

/** A trigger keeps the first; a count of requests says nothing elsewhere; a database's facts and journal are its own. */
export const leftTables = [installationProducts, rateLimits, meta, appliedMigrations] as const;

type CopiedTable = (typeof copiedTables)[number];

/** How many rows of a table have arrived. */
export type OnCopied = (table: string, rows: number) => void;

/** Rows on their way at once. */
const batchRows = 1_000;

/**
 * Copies every row as it is, from one transaction into the other; both databases have had the same migrations. Returns how
 * many there were of each table.
 */
export async function copyTables(
  from: SourceTransaction,
  to: Queries,
  onCopied: OnCopied,
): Promise<Readonly<Record<string, number>>> {
  // Their changes come along; that they come is none.
  await to.execute(sql`select set_config('oauth_token_service.moving', 'on', true)`);
  await makeRoom(to);
  const rows: Record<string, number> = {};
  for (const table of copiedTables) rows[getTableName(table)] = await copyTable(table, from, to, onCopied);
  await copyMarks(from, to);
  return rows;
}

/**
 * A service that ran there already has noted changes of what was never completed, and has entered webhooks for whole
 * platforms and heard by them: of these its own is the newer.
 */
async function makeRoom(to: Queries): Promise<void> {
  await to.delete(installationChanges);
  await to.delete(webhookDeliveries).where(eq(webhookDeliveries.platform, ownName));
  await to.delete(meta).where(eq(meta.key, cursorKey));
}

/**
 * Which chains of the record were forgotten, and which changes were sent on, are facts about these, not about the database
 * that they are in.
 */
async function copyMarks(from: SourceTransaction, to: Queries): Promise<void> {
  const marks = "select key, value from meta where key in ($1, $2)";
  const { rows } = await from.query<{ key: string; value: string }>(marks, [forgottenKey, cursorKey]);
  if (rows.length > 0) await to.insert(meta).values(rows).onConflictDoNothing();
}

/** What both may have: the other rows are of installations, which only one of them has. */
const shared: ReadonlySet<CopiedTable> = new Set([webhooks, webhookDeliveries]);

async function copyTable(
  table: CopiedTable,
  from: SourceTransaction,
  to: Queries,
  onCopied: OnCopied,
): Promise<number> {
  // As text from one database to the other: what JavaScript makes of a number or a time has no part in it.
  const texts = `select to_json(one)::text as text from "${getTableName(table)}" one`;
  await from.query(`declare leaving no scroll cursor for ${texts}`);
  let copied = 0;
  for (;;) {
    const { rows } = await from.query<{ text: string }>(`fetch ${batchRows} from leaving`);
    if (rows.length === 0) break;
    const batch = `[${rows.map(({ text }) => text).join(",")}]`;
    const each = sql`select * from json_populate_recordset(null::${table}, ${batch}::json)`;
    await to.execute(sql`insert into ${table} ${each} ${shared.has(table) ? sql`on conflict do nothing` : sql``}`);
    copied += rows.length;
    onCopied(getTableName(table), copied);
  }
  await from.query("close leaving");
  return copied;
}
