import { existsSync, readdirSync, readFileSync } from "node:fs";

/** A process and its children. Linux alone tells them without another program. */
export function processTree(parent: number): readonly number[] {
  if (!existsSync("/proc/self/stat")) throw new Error("the children of a process are found in /proc, as on Linux");
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return [parent, ...pids.filter((pid) => parentOf(pid) === parent)];
}

/** Whether it runs, be it another user's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Undefined for one that is gone by now. */
function parentOf(pid: number): number | undefined {
  try {
    // The name in parentheses may hold anything; the parent is the second field after it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ");
    return Number(fields?.[1]);
  } catch {
    return undefined;
  }
}
