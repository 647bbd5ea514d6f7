import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "../../database-failure.ts";
import { flushFolder } from "../flush.ts";

export interface NewFile {
  readonly file: string;
  /** Whether a file of this name is replaced, once the new one is whole. */
  readonly replace: boolean;
  readonly random: (bytes: number) => Buffer;
}

/**
 * Writes a file for its owner's eyes only: beside its place, flushed, and named when it is whole. Returns its size.
 * @throws Error if the name is taken, or it cannot be written; what `content` throws.
 */
export async function writeNewFile(
  { file, replace, random }: NewFile,
  content: AsyncIterable<Buffer>,
): Promise<number> {
  const onDisk = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw new Error(`${file} cannot be written (${errorCode(error) ?? "unknown"})`, { cause: error });
    }
  };
  if (!replace && (await exists(file))) throw taken(file);
  const part = `${file}.${random(8).toString("hex")}.part`;
  const handle = await onDisk(open(part, "wx", 0o600));
  try {
    try {
      for await (const bytes of content) await onDisk(handle.writeFile(bytes));
      await onDisk(handle.sync());
    } finally {
      await handle.close();
    }
    if (!replace && (await exists(file))) throw taken(file);
    await onDisk(rename(part, file));
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  // Where a file system flushes no folders, as some of other machines do, nothing can be done about it.
  await flushFolder(dirname(file)).catch(() => undefined);
  return (await lstat(file)).size;
}

function taken(file: string): Error {
  return new Error(`${file} is there already: name another file, or say --replace`);
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
