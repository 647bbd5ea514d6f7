import { statfs } from "node:fs/promises";
import { platform } from "node:os";

/** Why a flush on this file system does not mean what it should, and what to do. */
export interface FileSystemGap {
  readonly fileSystem: string;
  readonly advice: string;
}

/** Undefined where the data directory is on a disk of this machine, or where nobody can tell. */
export async function findFileSystemGap(directory: string): Promise<FileSystemGap | undefined> {
  // Elsewhere the numbers are others.
  return platform() === "linux" ? gapOf((await statfs(directory)).type) : undefined;
}

/** By the number that Linux gives a kind of file system: statfs(2), linux/magic.h. */
export function gapOf(type: number): FileSystemGap | undefined {
  // Some are negative where the field has 32 bits.
  const fileSystem = names.get(type >>> 0);
  return fileSystem === undefined ? undefined : { fileSystem, advice: advice[kindOf(fileSystem)] };
}

type Kind = "memory" | "container" | "network";

function kindOf(fileSystem: string): Kind {
  if (fileSystem === "tmpfs" || fileSystem === "ramfs") return "memory";
  return fileSystem === "overlayfs" ? "container" : "network";
}

const advice: Readonly<Record<Kind, string>> = {
  memory: "this is memory and ends with the power: set DATA_DIR to a folder on a disk",
  container: "this ends with the container: mount a volume, and set DATA_DIR to it",
  network:
    "what is flushed here, and whether two machines can both lock it, is another's word: set DATA_DIR to a disk of this " +
    "machine, or use Postgres by DATABASE_URL",
};

const names: ReadonlyMap<number, string> = new Map([
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
  [0x794c7630, "overlayfs"],
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  // sshfs and the object stores', and the folders that a virtual machine has of its host.
  [0x65735546, "FUSE"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x01161970, "GFS2"],
  [0x7461636f, "OCFS2"],
]);
