import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { imagePath } from "../src/storage/embedded/image.ts";
import { makeOnce } from "./made-once.ts";

/** Makes the image that a first start of this PGlite unpacks, if it is not there. Returns its path. */
export async function makeEmbeddedImage(): Promise<string> {
  return makeOnce(await imagePath(), async (unfinished) => writeFile(unfinished, await packDatabase()));
}

async function packDatabase(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-image-"));
  try {
    const made = await PGlite.create(folder);
    // Shut down in order: whoever opens it has nothing to recover.
    await made.close();
    const closed = await PGlite.create(folder, { noInitDb: true });
    const archive = await closed.dumpDataDir("gzip");
    return new Uint8Array(await archive.arrayBuffer());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
