import { readFileSync, rmSync } from "node:fs";
import { chmod, mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const prefix = "oauth-token-service-bench-";
const never = new Int32Array(new SharedArrayBuffer(4));

/** A temporary folder of this run. Runs that were killed have theirs, and the Postgres in it, removed first. */
export async function makeWorkDirectory(): Promise<string> {
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

export function postgresData(directory: string): string {
  return join(directory, "postgres", "data");
}

/** The running server of this very folder, and of no other. */
export function postmasterOf(data: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(data) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
