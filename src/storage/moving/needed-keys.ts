import type { Transaction } from "@electric-sql/pglite";

/** The ids of the keys that sealed what a database holds, events that wait too, or signed it, with how many rows need each. */
export async function readNeededKeys(from: Transaction): Promise<ReadonlyMap<string, number>> {
  const { rows } = await from.query<{ id: string; rows: number }>(`
    select id, count(*)::int as rows from (
      select key_id as id from credentials
      union all select key_id from audit_chains
      union all select pruned_key_id from audit_chains
      union all select key_id from webhook_deliveries
    ) needed where id is not null group by id order by id`);
  return new Map(rows.map(({ id, rows: count }) => [id, count]));
}

/** What keeps a move from being of use, in a sentence; undefined: nothing does. */
export function findKeyGap(
  needed: ReadonlyMap<string, number>,
  configured: readonly string[],
  kept: { readonly path: string; readonly ids: readonly string[] },
): string | undefined {
  const missing = [...needed.keys()].filter((id) => !configured.includes(id));
  const there = missing.filter((id) => kept.ids.includes(id));
  if (there.length > 0) {
    return (
      `TOKEN_ENCRYPTION_KEY lacks the key ${there.join(", ")}, without which what comes over cannot be opened: add what is in ` +
      `${kept.path} to it, in second place (and run rotate afterwards), or as the only one`
    );
  }
  if (needed.size === 0 || missing.length < needed.size) return undefined;
  return `TOKEN_ENCRYPTION_KEY opens nothing of what comes over, which needs ${missing.join(", ")}: set it to the key of that service`;
}
