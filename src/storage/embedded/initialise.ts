import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Log } from "../../world.ts";
import { collect, NotAnArchive, unpackTar } from "./backup/tar.ts";
import { openEmbeddedFiles } from "./files.ts";
import { findImage, imagePath } from "./image.ts";

/**
 * Makes the files of an empty database in an empty folder, not flushed: out of the image that the build made with this
 * same PGlite, or, if there is none, anew, which takes seconds. The two differ in nothing but this: all databases of one
 * image have the same system identifier, by which Postgres tells its own write-ahead log from another database's.
 */
export async function initialise(path: string, log: Log, image = imagePath): Promise<void> {
  const missing = await unpackImage(path, image);
  if (missing === undefined) return;
  log.info({ reason: missing }, "database.without_image");
  const { client } = await openEmbeddedFiles(path);
  await client.close();
}

/** Why there is nothing to unpack, if so. */
async function unpackImage(path: string, image: typeof imagePath): Promise<string | undefined> {
  const found = await findImage(image);
  if ("missing" in found) return found.missing;
  try {
    await unpack(found.archive, path);
    return undefined;
  } catch (error) {
    if (!(error instanceof NotAnArchive)) throw error;
    rmSync(path, { recursive: true });
    mkdirSync(path, { mode: 0o700 });
    return "the image is no archive";
  }
}

/** A thousand small files: each at once takes a tenth of the work that waiting for each takes, and nothing serves yet. */
async function unpack(archive: Buffer, path: string): Promise<void> {
  for await (const { name, kind, body } of unpackTar(Readable.from([archive]))) {
    const at = join(path, name);
    if (kind === "folder") mkdirSync(at, { mode: 0o700 });
    else writeFileSync(at, await collect(body), { flag: "wx", mode: 0o600 });
  }
}
