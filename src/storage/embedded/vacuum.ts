import type { PGlite } from "@electric-sql/pglite";

/**
 * What autovacuum does, of which PGlite has none, by its own measure of each table: room of what was deleted is used again,
 * and plans know how much there is. Takes one table after the other, so that calls come in between; they wait for that one.
 */
export async function vacuumWorn(client: PGlite): Promise<void> {
  const { rows } = await client.query<{ table: string; worn: boolean }>(changedTables);
  for (const { table, worn } of rows) await client.exec(worn ? `vacuum (analyze) ${table}` : `analyze ${table}`);
}

/** A fifth of a table's rows and 50 (dead) or 1,000 (new), a tenth and 50 changed. */
const changedTables = `
  with tables as (
    select format('%I.%I', schemaname, relname) as name, greatest(reltuples, 0) as rows,
      n_dead_tup as dead, n_ins_since_vacuum as inserted, n_mod_since_analyze as changed
    from pg_stat_user_tables join pg_class using (relname) where relid = oid)
  select name as table, dead > 50 + 0.2 * rows or inserted > 1000 + 0.2 * rows as worn
  from tables where dead > 50 + 0.2 * rows or inserted > 1000 + 0.2 * rows or changed > 50 + 0.1 * rows
  order by name`;
