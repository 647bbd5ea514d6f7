import { execFile } from "node:child_process";
import { appendFile, chown, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";

/** Where a standby gets what it copies and follows. */
export interface Followed {
  readonly data: string;
  readonly port: number;
  urlOf(database: string): string;
}

/** What belongs to the running server, and WAL, which is streamed. */
const left = new Set(["postmaster.pid", "postmaster.opts", "pg_wal", "standby.signal"]);

/**
 * Fills a data folder, which is emptied and stays the folder that it is, with a copy of what a server has, which goes on
 * meanwhile; started, it follows that server as its standby. Nothing beside the server itself is needed for it.
 */
export async function followServer(followed: Followed, data: string): Promise<void> {
  const { uid, gid } = await stat(followed.data);
  await mkdir(data, { recursive: true, mode: 0o700 });
  await chown(data, uid, gid);
  for (const name of await readdir(data)) await rm(join(data, name), { recursive: true });
  const sql = postgres(followed.urlOf("postgres"), { max: 1, onnotice: () => undefined });
  // The label is given in the session that began the copy.
  const session = await sql.reserve();
  try {
    await session`select pg_backup_start('standby', true)`;
    const names = (await readdir(followed.data)).filter((name) => !left.has(name));
    await copy(
      names.map((name) => join(followed.data, name)),
      data,
    );
    const [label] = await session`select labelfile from pg_backup_stop(false)`;
    await makeStandby(followed, data, String(label?.labelfile));
  } finally {
    session.release();
    await sql.end();
  }
}

async function makeStandby(followed: Followed, data: string, label: string): Promise<void> {
  const { username, password } = new URL(followed.urlOf("postgres"));
  const connection = `host=127.0.0.1 port=${followed.port} user=${username} password=${password}`;
  await appendFile(join(data, "postgresql.auto.conf"), `primary_conninfo = '${connection}'\n`);
  await mkdir(join(data, "pg_wal"), { mode: 0o700 });
  await writeFile(join(data, "backup_label"), label);
  await writeFile(join(data, "standby.signal"), "");
  const { uid, gid } = await stat(data);
  for (const name of ["pg_wal", "backup_label", "standby.signal"]) await chown(join(data, name), uid, gid);
}

/** Owners and modes stay. A file may go while the server goes on, and is then not missed. */
async function copy(from: readonly string[], to: string): Promise<void> {
  await promisify(execFile)("cp", ["-a", ...from, to], { env: { ...process.env, LC_ALL: "C" } }).catch(
    (error: Error & { readonly stderr?: string }) => {
      const lines = error.stderr?.trim().split("\n") ?? [""];
      if (!lines.every((line) => line.endsWith("No such file or directory"))) throw error;
    },
  );
}
