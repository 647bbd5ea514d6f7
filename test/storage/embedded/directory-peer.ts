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
  /** SIGKILL; returns when the process is gone. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL("directory-child.ts", import.meta.url));

export async function startPeer(): Promise<Peer> {
  const child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
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
    kill: () => end(child),
  };
}

/** A pid that the system still lists, though its process has ended and only waits for its parent to take notice. */
export async function startZombie(): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec cat"], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const pid = Number(value);
  // A shell might take notice; once its place is taken by `cat`, which answers, nobody does.
  parent.stdin.write("\n");
  await lines.next();
  process.kill(pid, "SIGKILL");
  return { pid, end: () => end(parent) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
