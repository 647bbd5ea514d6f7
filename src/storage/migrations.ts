import { fileURLToPath } from "node:url";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import { inArray, max, sql } from "drizzle-orm/sql";
import { getTableName } from "drizzle-orm/table";
import type { Queries } from "./database.ts";
import { quoted } from "./postgres/session.ts";
import { appliedMigrations, installations } from "./schema.ts";

/**
 * The schema that holds our tables, if the database has had every migration of this version; undefined: it has not.
 * Asking first spares the service the rights that migrating needs.
 * @throws Error if a newer version migrated it.
 */
export async function findMigrated(db: Queries): Promise<string | undefined> {
  const journal = await findJournal(db);
  const known = latest(readMigrations());
  if (journal === undefined || journal.appliedTo < known) return undefined;
  if (journal.appliedTo === known) return journal.schema;
  throw new Error(
    "the database was migrated by a newer version of this service: run that version, or restore an older backup",
  );
}

/** When the last migration of this version was made. */
export function readMigratedTo(): number {
  return latest(readMigrations());
}

/**
 * Applies what is missing, in one transaction of which `tx` is the whole. Returns the schema that holds our tables.
 * `isNamed`: an operator said which schema that is to be.
 * @throws Error if our tables are elsewhere in this database.
 */
export async function applyMigrations(tx: Queries, isNamed = false): Promise<string> {
  const migrated = await findMigrated(tx);
  if (migrated !== undefined) return migrated;
  const migrations = readMigrations();
  const journal = (await findJournal(tx)) ?? (await beginJournal(tx, migrations, isNamed));
  await goTo(tx, journal.schema);
  for (const { folderMillis, hash, sql: statements } of migrations) {
    if (folderMillis <= journal.appliedTo) continue;
    for (const statement of statements) await tx.execute(sql.raw(statement));
    await tx.insert(appliedMigrations).values({ createdAt: folderMillis, hash });
  }
  return journal.schema;
}

interface Journal {
  readonly schema: string;
  /** When the last migration that it has was made. */
  readonly appliedTo: number;
}

const one = sql`(select 1) as one`;
const journalName = getTableName(appliedMigrations);
const tables = sql`pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace`;
/** Versions before this one kept theirs where drizzle does by default, which may be a neighbour's, too. */
const shared = sql`drizzle.__drizzle_migrations`;

/** Those of this version, in order. */
export function readMigrations(): readonly MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder: fileURLToPath(new URL("./migrations", import.meta.url)) });
}

function latest(migrations: readonly { readonly folderMillis: number }[]): number {
  return Math.max(0, ...migrations.map(({ folderMillis }) => folderMillis));
}

async function findJournal(db: Queries): Promise<Journal | undefined> {
  const schema = await schemaOf(db, journalName);
  if (schema === undefined) return undefined;
  const [last] = await db.select({ applied: max(appliedMigrations.createdAt) }).from(appliedMigrations);
  return { schema, appliedTo: last?.applied ?? 0 };
}

/** In the schema of our tables, where there are any, with what the shared journal has of ours; it keeps all others'. */
async function beginJournal(tx: Queries, migrations: readonly MigrationMeta[], isNamed: boolean): Promise<Journal> {
  const had = await readShared(tx, migrations);
  const begun = had.length === 0 ? undefined : await schemaOf(tx, "credentials");
  const schema = begun ?? (await currentSchema(tx));
  if (begun === undefined) {
    const table = had.length > 0 ? "credentials" : isNamed ? undefined : journalName;
    const elsewhere = table === undefined ? [] : await schemasWith(tx, table);
    if (elsewhere.length > 0) throw tablesElsewhere(elsewhere, schema);
    if (schema !== undefined && (await schemaOf(tx, getTableName(installations))) === schema) throw nameTaken(schema);
  }
  if (schema !== undefined) await goTo(tx, schema);
  await tx.execute(sql`create table ${appliedMigrations} (created_at bigint primary key, hash text not null)`);
  if (had.length > 0) {
    await tx.insert(appliedMigrations).values(had.map(({ folderMillis, hash }) => ({ createdAt: folderMillis, hash })));
    await tx.execute(sql`delete from ${shared} where ${isOneOf(had)}`);
  }
  return { schema: schema ?? "", appliedTo: latest(had) };
}

async function readShared(tx: Queries, migrations: readonly MigrationMeta[]): Promise<readonly MigrationMeta[]> {
  const readable = await tx
    .select({ is: sql`true` })
    .from(tables)
    .where(
      sql`n.nspname = 'drizzle' and c.relname = '__drizzle_migrations'
        and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')`,
    );
  if (readable.length === 0) return [];
  const rows = await tx.select({ hash: sql<string>`hash` }).from(shared).where(isOneOf(migrations));
  return migrations.filter((migration) => rows.some(({ hash }) => hash === migration.hash));
}

const isOneOf = (migrations: readonly MigrationMeta[]) =>
  inArray(
    sql`hash`,
    migrations.map(({ hash }) => hash),
  );

/** Of the table that this name means by the search path. */
async function schemaOf(db: Queries, table: string): Promise<string | undefined> {
  const [found] = await db
    .select({ schema: sql<string>`n.nspname` })
    .from(tables)
    .where(sql`c.oid = to_regclass(${table})`);
  return found?.schema;
}

async function schemasWith(db: Queries, table: string): Promise<readonly string[]> {
  const found = await db.select({ schema: sql<string>`n.nspname` }).from(tables).where(sql`c.relname = ${table}`);
  return found.map(({ schema }) => schema);
}

/** An empty set of tables beside the one that is in use would look like everything lost. */
function tablesElsewhere(schemas: readonly string[], current: string | undefined): Error {
  return new Error(
    `this service's tables are in the schema ${schemas.join(" or ")}, and the search path leads to ${current ?? "none"}: ` +
      `name the schema in the database URL (?schema=${schemas[0]}), or set the search path of the role`,
  );
}

/** Earlier services called theirs the same. */
function nameTaken(schema: string): Error {
  return new Error(
    `the schema ${schema} has a table ${getTableName(installations)} that is not this service's: make a schema for it ` +
      "(create schema tokens) and name that in the database URL (?schema=tokens)",
  );
}

/** Where new tables would be made; undefined: the search path names nothing that there is. */
async function currentSchema(db: Queries): Promise<string | undefined> {
  const [found] = await db.select({ schema: sql<string | null>`current_schema()` }).from(one);
  return found?.schema ?? undefined;
}

async function goTo(tx: Queries, schema: string): Promise<void> {
  await tx.select({ set: sql`set_config('search_path', ${`${quoted(schema)}, pg_temp`}, true)` }).from(one);
}
