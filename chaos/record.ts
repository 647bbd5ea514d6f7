import type postgres from "postgres";
import type { PlatformName } from "./grants.ts";
import type { Ask } from "./load.ts";

/** Fingerprints of what was handed out, as the record has them. */
export async function readRecorded(sql: postgres.Sql): Promise<ReadonlySet<string>> {
  const rows = await sql`select distinct token_fingerprint as id from audit_events where kind = 'token.issued'`;
  return new Set(rows.map(({ id }) => String(id)));
}

/** How often a platform's tokens were given, and how often without a row of their own. */
export function compareWithRecord(
  asks: readonly Ask[],
  platform: PlatformName,
  recorded: ReadonlySet<string>,
): { readonly given: number; readonly unrecorded: number } {
  const given = asks.filter(({ grant, tokenId }) => grant.platform === platform && tokenId !== undefined);
  return { given: given.length, unrecorded: given.filter(({ tokenId }) => !recorded.has(tokenId ?? "")).length };
}
