import { driverError, errorCode } from "../database-failure.ts";

/** Does something with what is in a data directory. @throws Error that says what to do where the directory is the reason. */
export async function inDataDirectory<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw dataDirectoryFailure(directory, error);
  }
}

/** The reason and what to do about it; an error that is not about the directory stays as it is. */
export function dataDirectoryFailure(directory: string, error: unknown): unknown {
  // What the database meets on its disk is the cause of what a statement fails with.
  const cause = driverError(error);
  const call = typeof cause === "object" && cause !== null && "syscall" in cause ? cause.syscall : undefined;
  const code = errorCode(cause) ?? "";
  const advice = call === "link" && linkless.has(code) ? noLinks : reasons[code];
  return advice === undefined
    ? error
    : new Error(`the data directory ${directory} ${advice} (${code})`, { cause: error });
}

/** Network, FAT and object-store volumes say it in various ways; EPERM is Linux's. */
const linkless: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK"]);
const noLinks =
  "is on a file system without hard links, which keep a key from being replaced: set DATA_DIR to a local disk, " +
  "or use Postgres by DATABASE_URL";

const notWritable =
  "may not be read and written by this process: give it to the process's user, or set another DATA_DIR";
const full = "is on a disk that is full: make room there, or set another DATA_DIR";
const notThere = "cannot be made: set DATA_DIR to a folder, or to one that can be made";

const reasons: Readonly<Record<string, string>> = {
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: "is on a file system that is read-only: make it writable, or set another DATA_DIR",
  ENOSPC: full,
  EDQUOT: full,
  // disk_full, as the database says it.
  "53100": full,
  ENOTDIR: notThere,
  EEXIST: notThere,
  ENOENT: notThere,
  EIO: "is on a disk that fails: look at the system's log",
};
