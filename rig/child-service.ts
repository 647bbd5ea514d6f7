import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { compileCache, quickly } from "./quick-node.ts";

/** The service as a process of its own, of the sources and started quickly unless it is a built one. */
export interface ServiceProcess {
  readonly pid: number;
  /** Every line of its log so far. */
  readonly lines: readonly LogLine[];
  /** What it wrote so far, standard output and error. */
  output(): string;
  /** Calls back for every further line of its log, as soon as it is read. */
  onLine(listener: (line: LogLine) => void): void;
  /** The first line with this event; fails if the process ends without one. */
  line(event: string): Promise<LogLine>;
  /** Sends a signal at once. Does not wait. */
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal and waits for the end; SIGKILL by default. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  readonly exited: Promise<Exit>;
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  /** Undefined if a signal ended it. */
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly output: string;
}

/** A process that serves. */
export interface ChildService extends ServiceProcess {
  readonly ports: { readonly public: number; readonly grpc: number; readonly internal: number };
  readonly publicUrl: string;
  readonly internalUrl: string;
}

/** A program that was built, and who it runs as. */
export interface BuiltProgram {
  readonly main: string;
  readonly uid: number | undefined;
}

export type Environment = Readonly<Record<string, string>>;

/** The server that the tests bring flushes nothing, for speed. */
export const throwAwayDatabase = { DATABASE_MAY_LOSE_COMMITS: "1" };

/** Makes further starts two to three times as fast: a process that is killed leaves nothing compiled behind. */
export function compileService(): Promise<void> {
  compiled ??= compile();
  return compiled;
}

let compiled: Promise<void> | undefined;

async function compile(): Promise<void> {
  const script = `await import(${JSON.stringify(new URL("../src/app/start-app.ts", import.meta.url).href)})`;
  const env = { PATH: process.env.PATH ?? "", ...compileCache };
  await promisify(execFile)(process.execPath, [...quickly, "--input-type=module", "--eval", script], { env });
}

const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Runs before the service in its process: its clock is another one than this machine's. */
const wrongClock = fileURLToPath(new URL("./wrong-clock.ts", import.meta.url));

/**
 * Starts the service with these settings and no others; on any free ports unless they say which. `CLOCK_AHEAD_MS` (and
 * `CLOCK_STEP_MS`, at each SIGUSR2) sets its clock wrong. `preloads` are modules that its process loads before it.
 */
export function spawnService(env: Environment, preloads: readonly string[] = [], built?: BuiltProgram): ServiceProcess {
  const before = [...(env.CLOCK_AHEAD_MS === undefined ? [] : [wrongClock]), ...preloads];
  const imports = before.flatMap((module) => ["--import", module]);
  const quick = built === undefined ? quickly : [];
  const child = spawn(process.execPath, [...quick, "--disable-sigusr1", ...imports, built?.main ?? program], {
    ...(built?.uid === undefined ? {} : { uid: built.uid, gid: built.uid }),
    env: {
      PATH: process.env.PATH ?? "",
      ...(built === undefined ? compileCache : {}),
      PORT: "0",
      GRPC_PORT: "0",
      INTERNAL_PORT: "0",
      ...throwAwayDatabase,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child.pid ?? 0);
  const written: string[] = [];
  const lines: LogLine[] = [];
  const listeners: ((line: LogLine) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => {
    written.push(text);
    const line = parseLine(text);
    if (line === undefined) return;
    lines.push(line);
    for (const listener of listeners) listener(line);
  });
  createInterface({ input: child.stderr }).on("line", (text) => void written.push(text));
  const output = () => written.join("\n");
  const exited = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => {
      running.delete(child.pid ?? 0);
      resolve({ code: code ?? undefined, signal: signal ?? undefined, output: output() });
    });
  });

  return {
    pid: child.pid ?? 0,
    lines,
    output,
    exited,
    onLine: (listener) => void listeners.push(listener),
    line: (event) =>
      new Promise((resolve, reject) => {
        const check = (line: LogLine) => line.event === event && resolve(line);
        for (const line of lines) check(line);
        listeners.push(check);
        exited.then(() => reject(new Error(`the service ended without ${event}:\n${output()}`)), reject);
      }),
    signal: (signal) => void child.kill(signal),
    kill(signal = "SIGKILL") {
      child.kill(signal);
      return exited;
    },
  };
}

/** Starts the service and waits until it serves. */
export async function startChildService(
  env: Environment,
  preloads?: readonly string[],
  built?: BuiltProgram,
): Promise<ChildService> {
  const service = spawnService(env, preloads, built);
  const { ports } = (await service.line("service.started")) as unknown as Pick<ChildService, "ports">;
  return Object.assign(service, {
    ports,
    publicUrl: `http://localhost:${ports.public}`,
    internalUrl: `http://127.0.0.1:${ports.internal}`,
  });
}

function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

/** None of them outlives the test run, however it ends. */
const running = new Set<number>();
process.once("exit", () => {
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }
});
