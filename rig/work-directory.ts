import { rmSync } from "node:fs";
import { chmod, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postmasterOf } from "./postgres-process.ts";
import { postgresData } from "./postgres-server.ts";
import { isRunning } from "./processes.ts";

const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * A temporary folder of this run, for its Postgres too. Runs of the same purpose that were killed have theirs, and the
 * Postgres in it, removed first.
 */
export async function makeWorkDirectory(purpose: "test" | "bench" | "chaos" | "mutants"): Promise<string> {
  const prefix = `oauth-token-service-${purpose}-`;
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number(name.slice(prefix.length).split("-")[0]) : Number.NaN;
    if (Number.isInteger(owner) && !isRunning(owner)) removeWorkDirectory(join(tmpdir(), name));
  }
  const directory = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  // Postgres runs as another user when this is root.
  await chmod(directory, 0o755);
  return directory;
}

/** Ends the Postgres of a folder, if it still runs, and removes the folder. */
export function removeWorkDirectory(directory: string): void {
  const data = postgresData(directory);
  const pid = postmasterOf(data);
  if (pid !== undefined) process.kill(pid, "SIGQUIT");
  // It writes until it is gone; a process that exits cannot wait otherwise.
  for (let waits = 0; waits < 100 && postmasterOf(data) !== undefined; waits++) Atomics.wait(never, 0, 0, 20);
  rmSync(directory, { recursive: true, force: true });
}
