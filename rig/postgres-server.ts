import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { freePort } from "./free-port.ts";
import { makeDataFolder, postgresBinary } from "./postgres-package.ts";
import { createPostgresProcess, type PostgresProcess } from "./postgres-process.ts";
import { followServer } from "./postgres-standby.ts";

/** A Postgres of the run's own, on loopback, that can be stopped, started again on its port, frozen and killed. */
export interface PostgresServer extends PostgresProcess {
  readonly version: string;
  readonly port: number;
  /** Its data folder. */
  readonly data: string;
  urlOf(database: string): string;
  /** Makes an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** While it does not run: begins as a copy of another server, which goes on meanwhile, and follows it. */
  follow(primary: PostgresServer): Promise<void>;
  /** Makes a standby take writes. Resolves when it does. */
  promote(): Promise<void>;
}

export interface PostgresOptions {
  /** Its files are in `postgres` in here. Another user reads them when this is root. */
  readonly directory: string;
  /** Of the server, beside those that keep it on loopback. Durable unless they say otherwise. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Begins as a copy of this server, which goes on meanwhile, and then follows it. */
  readonly standbyOf?: PostgresServer;
}

const login = { user: "postgres", password: "loopback-only" };

const onLoopback = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
};

/** Settings of a server whose data nobody wants after the run: it flushes nothing to the disk, for speed. */
export const throwAway = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" };

/** Makes a server and starts it. Whoever starts it stops it; it does not outlive this process in any case. */
export async function startPostgres({ directory, settings = {}, standbyOf }: PostgresOptions): Promise<PostgresServer> {
  const data = postgresData(directory);
  await mkdir(join(directory, "postgres"), { mode: 0o755 });
  const port = await freePort();
  if (standbyOf === undefined) await makeDataFolder(data, login);
  else await followServer(standbyOf, data);
  const owner = process.getuid?.() === 0 ? await stat(data) : undefined;
  const flags = Object.entries({ ...onLoopback, ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const command = [await postgresBinary(), "-D", data, "-p", String(port), ...flags] as const;
  const server = createPostgresProcess(command, data, owner);
  await server.start();

  const urlOf = (database: string) => `postgresql://${login.user}:${login.password}@127.0.0.1:${port}/${database}`;
  const onServer = async (statement: string) => {
    const sql = postgres(urlOf("postgres"), { max: 1, onnotice: () => undefined });
    try {
      return await sql.unsafe(statement);
    } finally {
      await sql.end();
    }
  };
  const [row] = await onServer("select current_setting('server_version') as version");
  return {
    get pid() {
      return server.pid;
    },
    start: server.start,
    stop: server.stop,
    freeze: server.freeze,
    thaw: server.thaw,
    kill: server.kill,
    version: String(row?.version),
    port,
    data,
    urlOf,
    async createDatabase(name) {
      await onServer(`create database ${name}`);
      return urlOf(name);
    },
    async follow(primary) {
      await followServer(primary, data);
      await server.start();
    },
    async promote() {
      await onServer("select pg_promote()");
    },
  };
}

/** The data folder of the server whose files are in a directory. */
export function postgresData(directory: string): string {
  return join(directory, "postgres", "data");
}
