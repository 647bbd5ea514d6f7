import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";

/** Stands for a start time that the system does not tell. */
export const unknownStart = "unknown";

/**
 * What tells a living process from an earlier one with the same pid: text that is the same for as long as it lives.
 * Undefined if no process has this pid, or only a zombie.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined);
  return boot === undefined ? processStartByPs(pid) : processStartByProc(pid, boot.trim());
}

/** proc_pid_stat(5): the state is the 3rd field, the start in ticks after boot the 22nd. */
async function processStartByProc(pid: number, boot: string): Promise<string | undefined> {
  const stat = await readStat(pid);
  if (stat === undefined) return undefined;
  // The 2nd field is the program's name in brackets and may hold anything, brackets and spaces too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  return state === "Z" || state === "X" ? undefined : `${boot}/${fields[19]}`;
}

/** Fails for any reason but the one that there is no such process: a living one must not pass for dead. */
async function readStat(pid: number): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) {
      return undefined;
    }
    throw error;
  }
}

/** The same by POSIX `ps`, where there is no /proc; where `ps` does not answer, by whether the pid is in use. */
export async function processStartByPs(pid: number): Promise<string | undefined> {
  try {
    const env = { PATH: "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" };
    const { stdout } = await promisify(execFile)("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env });
    const [state = "", ...start] = stdout.trim().split(/\s+/);
    return state.startsWith("Z") ? undefined : start.join(" ");
  } catch {
    return isInUse(pid) ? unknownStart : undefined;
  }
}

function isInUse(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
