import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { type DataDirectoryLock, lockDataDirectory } from "../../../src/storage/embedded/directory-lock.ts";

// A process that locks what it is told to: `lock <directory>` or `release`, one per line, each answered by one line.
let held: DataDirectoryLock | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const [order, directory = ""] = line.split("\t");
  console.log(order === "lock" ? await lock(directory) : await release());
}

async function lock(directory: string): Promise<string> {
  try {
    held = await lockDataDirectory(directory, { now: () => new Date(), random: randomBytes });
    return "held";
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : "?"}`;
  }
}

async function release(): Promise<string> {
  await held?.release();
  held = undefined;
  return "released";
}
