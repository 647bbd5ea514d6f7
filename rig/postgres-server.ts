import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { appendFile, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import postgres from "postgres";
import { freePort } from "./free-port.ts";
import { until } from "./gate.ts";
import { makeDataFolder, postgresBinary } from "./postgres-package.ts";
import { processTree } from "./processes.ts";

/** A Postgres of the run's own, on loopback, that can be stopped, started again on its port, and frozen. */
export interface PostgresServer {
  readonly version: string;
  readonly port: number;
  /** Its data folder. */
  readonly data: string;
  /** Of its first process. @throws Error while it does not run. */
  readonly pid: number;
  urlOf(database: string): string;
  /** Makes an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Makes a standby take writes. Resolves when it does. */
  promote(): Promise<void>;
  /** Resolves when the server takes connections. */
  start(): Promise<void>;
  /** `fast`: sessions are ended, a checkpoint is written; `immediate`: as in a crash, started with recovery. */
  stop(how: "fast" | "immediate"): Promise<void>;
  /** SIGSTOP to the server and all its children. Linux alone. */
  freeze(): void;
  thaw(): void;
}

export interface PostgresOptions {
  /** Its files are in `postgres` in here. Another user reads them when this is root. */
  readonly directory: string;
  /** Of the server, beside those that keep it on loopback. Durable unless they say otherwise. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Begins as a copy of this server, which is stopped and started for it, and then follows it. */
  readonly standbyOf?: PostgresServer;
}

const login = { user: "postgres", password: "loopback-only" };
const startMs = 30_000;

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
  await (standbyOf === undefined ? makeDataFolder(data, login) : copyAsStandby(standbyOf, data));
  const owner = process.getuid?.() === 0 ? await stat(data) : undefined;
  const flags = Object.entries({ ...onLoopback, ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const command = [await postgresBinary(), "-D", data, "-p", String(port), ...flags] as const;
  const log: string[] = [];
  let server: ChildProcess | undefined;
  let frozen: readonly number[] = [];
  const signal = (pids: readonly number[], name: NodeJS.Signals) => {
    for (const pid of pids) unlessGone(() => process.kill(pid, name));
  };

  async function start(): Promise<void> {
    const [binary, ...args] = command;
    const child = spawn(binary, args, {
      ...(owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }),
      // A group of its own: Ctrl-C reaches the run alone, which ends everything in order.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    server = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => void log.push(text));
    const ready = () => {
      if (hasEnded(child)) throw new Error("it ended");
      return isReady(data, child.pid);
    };
    await until(ready, "Postgres takes connections", startMs).catch((cause: unknown) => {
      throw new Error(`Postgres does not start:\n${log.slice(-20).join("")}`, { cause });
    });
  }

  async function stop(how: "fast" | "immediate"): Promise<void> {
    const child = server;
    server = undefined;
    if (child === undefined || hasEnded(child)) return;
    thaw();
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
    await exited;
  }

  function thaw(): void {
    signal(frozen, "SIGCONT");
    frozen = [];
  }

  // Last resort, however this process ends.
  process.once("exit", () => {
    thaw();
    server?.kill("SIGQUIT");
  });
  await start();

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
  const running = (): number => {
    if (server?.pid === undefined) throw new Error("Postgres does not run");
    return server.pid;
  };
  return {
    version: String(row?.version),
    port,
    data,
    get pid() {
      return running();
    },
    urlOf,
    async createDatabase(name) {
      await onServer(`create database ${name}`);
      return urlOf(name);
    },
    async promote() {
      await onServer("select pg_promote()");
    },
    start,
    stop,
    freeze() {
      const postmaster = running();
      // It starts no more children once it is stopped.
      signal([postmaster], "SIGSTOP");
      frozen = processTree(postmaster);
      signal(frozen, "SIGSTOP");
    },
    thaw,
  };
}

/** A cold copy: nothing beside the server itself is needed for it. Owner and modes stay. */
async function copyAsStandby(primary: PostgresServer, data: string): Promise<void> {
  await primary.stop("fast");
  await promisify(execFile)("cp", ["-a", primary.data, data]);
  const connection = `host=127.0.0.1 port=${primary.port} user=${login.user} password=${login.password}`;
  await appendFile(join(data, "postgresql.auto.conf"), `primary_conninfo = '${connection}'\n`);
  await writeFile(join(data, "standby.signal"), "");
  await primary.start();
}

/** The data folder of the server whose files are in a directory. */
export function postgresData(directory: string): string {
  return join(directory, "postgres", "data");
}

/** The running server of this very folder, and of no other. Linux alone. */
export function postmasterOf(data: string): number | undefined {
  const pid = Number(pidFile(data)[0]);
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A server says in its pid file, on the eighth line, when it takes connections. */
function isReady(data: string, pid: number | undefined): boolean {
  const lines = pidFile(data);
  return Number(lines[0]) === pid && /^(ready|standby)$/.test(lines[7]?.trim() ?? "");
}

function pidFile(data: string): readonly string[] {
  try {
    return readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
  } catch {
    return [];
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function unlessGone(work: () => void): void {
  try {
    work();
  } catch {
    // The process has ended.
  }
}
