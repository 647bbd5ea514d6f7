import { join } from "node:path";
import postgres from "postgres";
import { type PostgresServer, startPostgres } from "../rig/postgres-server.ts";
import type { Closers } from "../src/closers.ts";
import { type Cores, pinProcess } from "./cores.ts";

/** The benchmark's own Postgres: durable, on a core of its own if there is one. */
export interface BenchPostgres extends Pick<PostgresServer, "version" | "port" | "urlOf" | "createDatabase"> {
  /** For statements on the server itself. */
  readonly admin: postgres.Sql;
  /** Its log, one JSON object per line. */
  readonly logPath: string;
}

export async function startBenchPostgres(
  directory: string,
  cores: Cores,
  closers: Closers,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchPostgres> {
  const server = await startPostgres({ directory, settings: { ...settings, ...more } });
  // Nothing in it is wanted any more, so that there is no last checkpoint to wait for.
  closers.add("Postgres", () => server.stop("immediate"));
  pinProcess(cores.database, server.pid);
  const admin = postgres(server.urlOf("postgres"), { max: 1, onnotice: () => undefined });
  closers.add("administration", () => admin.end({ timeout: 1 }));
  const { version, port, urlOf, createDatabase } = server;
  return { version, port, urlOf, createDatabase, admin, logPath: join(server.data, "log", "bench.json") };
}

/** Commits are flushed to the disk, as they would be in earnest. */
const settings = {
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
