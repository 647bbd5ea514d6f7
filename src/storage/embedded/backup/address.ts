import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { platform } from "node:os";
import { resolve } from "node:path";

/** What fits into the address of a socket everywhere; the systems differ by a few bytes. */
const mostBytes = 100;

/** Where the service that holds a data directory gives copies of it. */
export interface BackupAddress {
  readonly path: string;
  /** Whether it is a file, with a mode. */
  readonly isFile: boolean;
  /** To be called once the address is not used any more. */
  done(): Promise<void>;
}

/** A socket in the directory, `backup.sock`; a pipe named after the directory where there are no such files. */
export async function backupAddress(directory: string): Promise<BackupAddress> {
  const folder = resolve(directory);
  const done = () => Promise.resolve();
  if (platform() === "win32") {
    const name = createHash("sha256").update(folder.toLowerCase()).digest("hex").slice(0, 32);
    return { path: `\\\\.\\pipe\\oauth-token-service-${name}`, isFile: false, done };
  }
  const path = resolve(folder, "backup.sock");
  if (Buffer.byteLength(path) <= mostBytes || platform() !== "linux") return { path, isFile: true, done };
  // The same folder by a shorter name, for as long as it is open.
  const handle = await open(folder, "r");
  return { path: `/proc/self/fd/${handle.fd}/backup.sock`, isFile: true, done: () => handle.close() };
}
