import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { descriptionName, endName, keyName } from "./copy.ts";
import { type BackupDescription, formatDescription, parseDescription } from "./description.ts";
import { type NewFile, writeNewFile } from "./new-file.ts";
import { collect, NotAnArchive, packTar, type TarEntry } from "./tar.ts";

export interface WriteOptions extends NewFile {
  readonly entries: AsyncIterable<TarEntry>;
  readonly withoutKey: boolean;
}

export interface WrittenBackup extends BackupDescription {
  /** Of the file. */
  readonly bytes: number;
}

/**
 * Writes a copy into a file of its own, compressed.
 * @throws Error as `writeNewFile`; NotAnArchive if the copy ended before it was whole.
 */
export async function writeBackup({ entries, withoutKey, ...file }: WriteOptions): Promise<WrittenBackup> {
  let description: BackupDescription | undefined;

  async function* checked(): AsyncGenerator<TarEntry, undefined> {
    let last = "";
    for await (const entry of entries) {
      last = entry.name;
      if (entry.name === descriptionName) {
        const said = parseDescription((await collect(entry.body)).toString());
        description = withoutKey && said.encryptionKey === "inside" ? { ...said, encryptionKey: "left out" } : said;
        const content = formatDescription(description);
        yield { ...entry, bytes: content.length, body: Readable.from([content]) };
      } else if (entry.name !== keyName || !withoutKey) yield entry;
    }
    if (last !== endName || description === undefined) throw new NotAnArchive("it ends before it is whole");
  }

  let bytes = 0;
  // Quick rather than small: this machine has a service to run.
  const gzip = createGzip({ level: 1 });
  await pipeline(Readable.from(packTar(checked()), { objectMode: false }), gzip, async (content) => {
    bytes = await writeNewFile(file, content);
  });
  return { ...(description as unknown as BackupDescription), bytes };
}
