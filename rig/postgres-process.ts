import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./gate.ts";
import { processTree } from "./processes.ts";

/** The processes of one server, which come and go. */
export interface PostgresProcess {
  /** Of its first process. @throws Error while it does not run. */
  readonly pid: number;
  /** Resolves when the server takes connections. */
  start(): Promise<void>;
  /** `fast`: sessions are ended, a checkpoint is written; `immediate`: as in a crash, started with recovery. */
  stop(how: "fast" | "immediate"): Promise<void>;
  /** SIGSTOP to the server and all its children. Linux alone. */
  freeze(): void;
  thaw(): void;
  /** `kill -9` of the server and all its children at once, as where a machine is gone. Linux alone. */
  kill(): Promise<void>;
}

const startMs = 30_000;

/** @param owner who it runs as; undefined: whoever this process runs as. */
export function createPostgresProcess(
  command: readonly [binary: string, ...args: string[]],
  data: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): PostgresProcess {
  const log: string[] = [];
  let server: ChildProcess | undefined;
  let frozen: readonly number[] = [];

  const running = (): number => {
    if (server?.pid === undefined) throw new Error("Postgres does not run");
    return server.pid;
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

  function freeze(): void {
    const postmaster = running();
    // It starts no more children once it is stopped.
    signal([postmaster], "SIGSTOP");
    frozen = processTree(postmaster);
    signal(frozen, "SIGSTOP");
  }

  function thaw(): void {
    signal(frozen, "SIGCONT");
    frozen = [];
  }

  async function kill(): Promise<void> {
    freeze();
    const exited = new Promise((resolve) => server?.once("exit", resolve));
    server = undefined;
    signal(frozen, "SIGKILL");
    frozen = [];
    await exited;
  }

  // Last resort, however this process ends.
  process.once("exit", () => {
    thaw();
    server?.kill("SIGQUIT");
  });

  return {
    get pid() {
      return running();
    },
    start,
    stop,
    freeze,
    thaw,
    kill,
  };
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

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // The process has ended.
    }
  }
}
