import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pinned } from "./cores.ts";

/** A Node program in a process of its own. */
export interface Program {
  readonly pid: number;
  /** The next line of its output with this event; rejects if the process ends without one. */
  line(event: string): Promise<Record<string, unknown>>;
  /** Sends a message and waits for its answer. */
  ask(message: object): Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL when that takes too long. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly core: number | undefined;
  /** Absolute path. */
  readonly script: string;
  readonly nodeOptions?: readonly string[];
  /** Nothing else of the environment is passed on but PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it answers messages. */
  readonly answers?: boolean;
}

const stopMs = 3_000;
const running = new Set<ChildProcess>();

// However this process ends, none of them outlives it.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export function startProgram({ core, script, nodeOptions = [], env = {}, answers = false }: ProgramOptions): Program {
  const [command, ...args] = pinned(core, [process.execPath, ...nodeOptions, script]);
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: answers ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
    serialization: "advanced",
    // A group of its own: Ctrl-C reaches the benchmark alone, which ends everything in order.
    detached: true,
  });
  running.add(child);
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const onLine = (line: string) => {
    // Only the last ones are kept, for what is said of a failure.
    lines.push(line);
    if (lines.length > 50) lines.shift();
    for (const listener of listeners) listener(line);
  };
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", onLine);
  if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", onLine);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve(`${script} ended with ${code ?? signal}:\n${lines.join("\n")}`);
    });
  });

  function orEnd<T>(work: (resolve: (value: T) => void) => () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const forget = work((value) => {
        forget();
        resolve(value);
      });
      ended.then((why) => {
        forget();
        reject(new Error(why));
      });
    });
  }

  return {
    pid: child.pid ?? 0,
    line: (event) =>
      orEnd((resolve) => {
        const listener = (text: string) => {
          const line = parse(text);
          if (line?.event === event) resolve(line);
        };
        listeners.add(listener);
        return () => listeners.delete(listener);
      }),
    ask: (message) =>
      orEnd((resolve) => {
        child.once("message", resolve);
        child.send(message);
        return () => child.off("message", resolve);
      }),
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), stopMs);
      await ended;
      clearTimeout(late);
    },
  };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
