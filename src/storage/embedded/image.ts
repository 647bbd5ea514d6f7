import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip, type ZlibOptions } from "node:zlib";
import { errorCode } from "../database-failure.ts";
import { readMigrations } from "../migrations.ts";

const here = dirname(fileURLToPath(import.meta.url));
const isBuilt = !import.meta.url.endsWith(".ts");
/** The image beside a built service, of which every file is of the same build. */
export const builtImage = "embedded.tar.gz";

/**
 * Where the image is that this very PGlite made, with the tables of this version: beside the built service; of one that
 * runs from its sources, where whoever needed it first has left it. An image of others has another name.
 */
export async function imagePath(): Promise<string> {
  if (isBuilt) return join(here, builtImage);
  const pglite = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite"));
  const description = JSON.parse(await readFile(join(dirname(pglite), "package.json"), "utf8"));
  const root = join(here, "..", "..", "..");
  const cache = join(root, "node_modules", ".cache", "oauth-token-service", `pglite-${description.version}`);
  return join(cache, await imageName(pglite));
}

/** By what PGlite consists of, and the tables. */
export async function imageName(pglite: string, migrations = readMigrations()): Promise<string> {
  const hash = createHash("sha256").update(
    JSON.stringify(migrations.map(({ folderMillis, hash }) => [folderMillis, hash])),
  );
  for (const part of ["pglite.wasm", "pglite.data", "initdb.wasm"]) hash.update(await readFile(join(pglite, part)));
  return `pglite-${hash.digest("hex").slice(0, 16)}.tar.gz`;
}

/** Of memory, for all of an archive in one piece: joining pieces takes longer than everything else. */
const chunkSize = 64 * 1_024 * 1_024;

/** The image as a tar archive, or why there is none that can be used. */
export type FoundImage = { readonly archive: Buffer } | { readonly missing: string };

const unpacked = promisify<Buffer, ZlibOptions, Buffer>(gunzip);

export async function findImage(at: () => Promise<string> = imagePath): Promise<FoundImage> {
  try {
    // A file that was cut off or damaged does not pass its own checksum.
    return { archive: await unpacked(await readFile(await at()), { chunkSize }) };
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (code === "ENOENT") return { missing: "there is no image of this version of PGlite" };
    if (code.startsWith("Z_")) return { missing: `the image is damaged (${code})` };
    return { missing: `the image cannot be read (${code})` };
  }
}
