import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Another process that can lock data directories. */
export interface Peer {
  readonly pid: number;
  /** `held`, or `refused: ` and why. */
  lock(directory: string): Promise<string>;
  release(): Promise<string>;
  /** Starts a process that outlives it and inherits what it may; returns its pid. */
  fork(): Promise<string>;
  /** SIGKILL; returns when the process is gone. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL("directory-child.ts", import.meta.url));

export async function startPeer(wrapper: readonly string[] = []): Promise<Peer> {
  const [command = "", ...args] = [...wrapper, process.execPath, program];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (order: string) => {
    child.stdin.write(`${order}\n`);
    const { value } = await answers.next();
    return String(value);
  };
  await once(child, "spawn");
  return {
    pid: child.pid ?? 0,
    lock: (directory) => ask(`lock\t${directory}`),
    release: () => ask("release"),
    fork: () => ask("fork"),
    kill: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
