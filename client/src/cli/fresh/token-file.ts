import { randomUUID } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { writePrivateFile } from "../accounts/private-file.ts";
import { Failure, usage } from "../failure.ts";

/** A file that has what was written last, for its owner alone (mode 0600). */
export interface TokenFile {
  readonly path: string;
  /** Replaces it as a whole, unless it has just that: gives whether it did. @throws Failure. */
  write(text: string): boolean;
  /** @throws Failure if it stays. */
  remove(): void;
}

/**
 * The file at a path, which need not be there yet; of a symbolic link what it leads to is replaced, not the link. A link
 * that somebody else than the user `uid` put into everybody's folder, such as /tmp, is not followed.
 * @throws Failure if it is none, or cannot be looked at.
 */
export function tokenFile(path: string, uid = process.getuid?.()): TokenFile {
  const target = targetOf(resolve(path), uid);
  const isAsWritten = (text: string) => {
    try {
      return (lstatSync(target).mode & 0o077) === 0 && readFileSync(target, "utf8") === text;
    } catch {
      return false;
    }
  };
  return {
    path: target,
    write(text) {
      if (isAsWritten(text)) return false;
      try {
        writePrivateFile(target, text, randomUUID());
      } catch (error) {
        throw cannot("write", target, error);
      }
      return true;
    },
    remove() {
      try {
        rmSync(target, { force: true });
      } catch (error) {
        throw cannot("remove", target, error);
      }
    },
  };
}

/** @throws Failure if there is a file that others may read: it is nobody's token, and is not replaced. */
export function refuseForeign({ path }: TokenFile): void {
  let mode: number;
  try {
    mode = lstatSync(path).mode;
  } catch {
    return;
  }
  if ((mode & 0o077) !== 0) throw usage(`${path} is there already, and others may read it: name another --file`);
}

function targetOf(path: string, uid: number | undefined): string {
  let target = path;
  try {
    target = join(realpathSync(dirname(path)), basename(path));
    const found = lstatSync(target);
    if (found.isSymbolicLink()) {
      const isEverybodys = (statSync(dirname(target)).mode & 0o002) !== 0;
      if (isEverybodys && found.uid !== uid) throw usage(`${path} is a link of somebody else's`);
      // It may lead to nothing, as to a folder in memory after a restart, but not round and round.
      statSync(target, { throwIfNoEntry: false });
      return targetOf(resolve(dirname(target), readlinkSync(target)), uid);
    }
    if (!found.isFile()) throw usage(`${path} is no file`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw cannot("write", path, error);
  }
  return target;
}

function cannot(verb: string, path: string, error: unknown): Failure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  // A file that is mounted by itself cannot be replaced as a whole.
  const advice = code === "EBUSY" || code === "EXDEV" ? ": mount its folder, not the file" : "";
  return new Failure("failed", "FILE_UNUSABLE", `cannot ${verb} ${path} (${code})${advice}`);
}
