import { sql } from "drizzle-orm/sql";
import type { Queries } from "../../database.ts";
import { quoted } from "../../postgres/session.ts";

/** A table of installations of an earlier service, as SQL names it. */
export interface EarlierTable {
  readonly name: string;
  readonly quotedName: string;
  readonly columns: ReadonlySet<string>;
}

const names = ["oauth_installations", "installations"];

/**
 * The tables that the search path leads to. Ours has a name of theirs, and columns that none of theirs had.
 * @throws Error that says where they are instead.
 */
export async function findEarlierTables(db: Queries): Promise<readonly EarlierTable[]> {
  const found = await db
    .select({
      name: sql<string>`c.relname::text`,
      schema: sql<string>`n.nspname::text`,
      isReached: sql<boolean>`coalesce(to_regclass(quote_ident(c.relname)) = c.oid, false)`,
      columns: sql<string>`(select string_agg(a.attname, ',') from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`,
    })
    .from(sql`pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace`)
    .where(
      sql`c.relname in (${names[0]}, ${names[1]}) and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'`,
    )
    .orderBy(sql`1`, sql`2`);
  const tables = found
    .map((table) => ({ ...table, columns: new Set(table.columns.split(",")) }))
    .filter(({ columns }) => columns.has("id") && columns.has("platform") && !columns.has("products"));
  const reached = tables.filter(({ isReached }) => isReached);
  if (reached.length > 0) {
    return reached.map(({ schema, name, columns }) => {
      return { name, quotedName: `${quoted(schema)}.${quoted(name)}`, columns };
    });
  }
  const schemas = [...new Set(tables.map(({ schema }) => schema))];
  if (schemas.length === 0) {
    throw new Error(
      `the database of --from has no table ${names.join(" or ")} of an earlier service that this user may see`,
    );
  }
  throw new Error(`the table is in the schema ${schemas.join(" or ")}: add ?schema=${schemas[0]} to the URL of --from`);
}
