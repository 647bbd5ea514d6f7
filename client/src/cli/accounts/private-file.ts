import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a file that only its owner reads (mode 0600, whatever the umask), as a whole or not at all: who reads meanwhile
 * sees the old one. The folder is made if it is not there.
 */
export function writePrivateFile(path: string, text: string, unique: string): void {
  makePrivateDirectory(dirname(path));
  const draft = `${path}.${unique}.tmp`;
  try {
    const file = openSync(draft, "wx", 0o600);
    try {
      fchmodSync(file, 0o600);
      // All of it: a disk that is filling up takes a part, and says no more.
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function makePrivateDirectory(path: string): void {
  // As the XDG specification has it for those above, too.
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) chmodSync(path, 0o700);
}
