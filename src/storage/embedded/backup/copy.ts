import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import { errorCode } from "../../database-failure.ts";
import { postgresVersion } from "../files.ts";
import { type BackupDescription, formatDescription } from "./description.ts";
import { readCapped } from "./read-capped.ts";
import type { TarEntry } from "./tar.ts";

export interface CopyOptions {
  /** `DATA_DIR`. The caller holds its lock. */
  readonly directory: string;
  /** The open database in it. Nobody else may make a checkpoint while the copy is made. */
  readonly client: PGlite;
  /** Whether `encryption.key` is the service's key; otherwise that is in its settings. */
  readonly keyInside: boolean;
  readonly now: () => Date;
}

/**
 * A consistent copy of the database while it is used, and its key, as the entries of a backup. A checkpoint comes first;
 * then the files are read while they change, and last the log of what changed meanwhile, from which the copy is made
 * whole when it is opened, as after a crash: what Postgres calls a base backup. The control file is that of the beginning.
 * @throws Error if another checkpoint came between.
 */
export async function* copyDatabase(options: CopyOptions): AsyncGenerator<TarEntry, undefined> {
  const { directory, client, keyInside } = options;
  const database = join(directory, "db");
  const madeAt = options.now().toISOString();
  await client.exec("checkpoint");
  const control = await readFile(join(database, controlFile));
  const encryptionKey = keyInside ? "inside" : "settings";
  const description = { madeAt, postgres: postgresVersion, ...(await describe(client)), encryptionKey } as const;
  yield fileOf(descriptionName, formatDescription(description));
  if (keyInside) yield fileOf(keyName, await readFile(join(directory, keyName)));
  yield* copyFolder(directory, "db");
  for (const name of await listLog(client)) yield* copyFile(directory, `db/pg_wal/${name}`);
  const last = await readFile(join(database, controlFile));
  if (!checkpointOf(last).equals(checkpointOf(control))) throw new Error("another checkpoint came between");
  yield fileOf(`db/${controlFile}`, control);
  yield fileOf(endName, Buffer.alloc(0));
}

export const descriptionName = "backup.json";
export const keyName = "encryption.key";
/** The last entry: an archive without it is not whole. */
export const endName = "backup.end";
const controlFile = "global/pg_control";

/** `ControlFileData.checkPoint` of Postgres: where in the log the last checkpoint is. */
const checkpointOf = (control: Buffer) => control.subarray(32, 40);

async function describe(client: PGlite): Promise<Pick<BackupDescription, "database" | "migratedTo">> {
  const { rows } = await client.query<{ database: string; journal: boolean }>(
    "select version() as database, to_regclass('oauth_token_service_migrations') is not null as journal",
  );
  const [found] = rows;
  const database = found?.database.replace(/ on .*$/s, "") ?? "";
  if (found?.journal !== true) return { database, migratedTo: null };
  const last = await client.query<{ at: number | null }>(
    "select max(created_at)::float8 as at from oauth_token_service_migrations",
  );
  return { database, migratedTo: last.rows[0]?.at ?? null };
}

/** The files of the log from the checkpoint to now. Later ones that are there are old ones to be written anew. */
async function listLog(client: PGlite): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select name from pg_ls_waldir(), pg_control_checkpoint()
      where name between redo_wal_file and pg_walfile_name(pg_current_wal_insert_lsn()) order by name`,
  );
  return rows.map(({ name }) => name);
}

/** Folders whose contents mean nothing to another process, and those that are copied on their own. */
const emptied: ReadonlySet<string> = new Set(
  ["pg_wal", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_stat_tmp", "pg_subtrans"].map(
    (folder) => `db/${folder}`,
  ),
);
/** What Postgres makes anew (`pg_internal.init`, what begins with `pgsql_tmp`), or is not for a copy. */
const left = /^(postmaster\.(pid|opts)|pg_control|pg_internal\.init.*|pgsql_tmp.*|\..*)$/;

async function* copyFolder(directory: string, name: string, keepFiles = true): AsyncGenerator<TarEntry, undefined> {
  yield { name, kind: "folder", bytes: 0, body: nothing() };
  const entries = await readdir(join(directory, name), { withFileTypes: true });
  for (const entry of entries) {
    const inside = `${name}/${entry.name}`;
    if (left.test(entry.name)) continue;
    if (entry.isDirectory()) yield* copyFolder(directory, inside, keepFiles && !emptied.has(inside));
    else if (keepFiles) yield* copyFile(directory, inside);
  }
}

/** A file that is gone since it was listed was deleted on purpose, and the log says so. */
async function* copyFile(directory: string, name: string): AsyncGenerator<TarEntry, undefined> {
  const file = await open(join(directory, name), "r").catch((error: unknown) => {
    if (errorCode(error) !== "ENOENT") throw error;
  });
  if (file === undefined) return;
  try {
    const { size } = await file.stat();
    yield { name, kind: "file", bytes: size, body: readCapped(file, size) };
  } finally {
    await file.close();
  }
}

function fileOf(name: string, content: Buffer): TarEntry {
  return { name, kind: "file", bytes: content.length, body: once(content) };
}

async function* once(content: Buffer): AsyncGenerator<Buffer, undefined> {
  yield content;
}

async function* nothing(): AsyncGenerator<Buffer, undefined> {}
