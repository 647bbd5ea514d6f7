import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type DataDirectoryLock, lockDataDirectory } from "../../../src/storage/embedded/directory-lock.ts";

// A process that does what it is told: `lock <directory>`, `release` or `fork`, one per line, each answered by one line.
let held: DataDirectoryLock | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const [order, directory = ""] = line.split("\t");
  console.log(order === "lock" ? await lock(directory) : order === "fork" ? fork() : release());
}

async function lock(directory: string): Promise<string> {
  try {
    held = await lockDataDirectory(directory, () => new Date());
    return "held";
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : "?"}`;
  }
}

function release(): string {
  held?.release();
  held = undefined;
  return "released";
}

function fork(): string {
  const child = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
  child.unref();
  return String(child.pid);
}
