import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** How a disk fails. */
export interface DiskFailure {
  /** Of the files, below the folder. */
  readonly names: RegExp;
  readonly call: "write" | "fsync";
  readonly code: "ENOSPC" | "EIO";
}

/** Lets the disk below a folder fail this process's synchronous calls, which are those of the database. */
export function createFailingDisk(folder: string) {
  const { openSync, writeSync, fsyncSync } = fs;
  const files = new Map<number, string>();
  let failure: DiskFailure | undefined;

  function failIfTold(call: DiskFailure["call"], descriptor: number): void {
    const path = files.get(descriptor);
    if (failure?.call !== call || !path?.startsWith(folder) || !failure.names.test(path.slice(folder.length))) return;
    throw Object.assign(new Error(`${failure.code}: ${call}`), { code: failure.code, syscall: call });
  }
  const open: typeof openSync = (path, flags, mode) => {
    const descriptor = openSync(path, flags, mode);
    files.set(descriptor, String(path));
    return descriptor;
  };
  const write = (descriptor: number, ...rest: [Uint8Array]) => {
    failIfTold("write", descriptor);
    return writeSync(descriptor, ...rest);
  };
  const fsync = (descriptor: number) => {
    failIfTold("fsync", descriptor);
    fsyncSync(descriptor);
  };
  Object.assign(fs, { openSync: open, writeSync: write, fsyncSync: fsync });
  syncBuiltinESMExports();

  return {
    fail(how: DiskFailure) {
      failure = how;
    },
    mend() {
      failure = undefined;
    },
    restore() {
      Object.assign(fs, { openSync, writeSync, fsyncSync });
      syncBuiltinESMExports();
    },
  };
}
