import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { imagePath } from "../src/storage/embedded/image.ts";
import { migrateEmbedded } from "../src/storage/postgres/migrate.ts";
import { meta } from "../src/storage/schema.ts";
import { makeOnce } from "./made-once.ts";

/** Makes the image that a first start of this PGlite unpacks, if it is not there. Returns its path. */
export async function makeEmbeddedImage(): Promise<string> {
  return makeOnce(await imagePath(), async (unfinished) => writeFile(unfinished, await packDatabase()));
}

/** With its tables, but nothing that one database has and another has not. */
async function packDatabase(): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-image-"));
  try {
    const made = await PGlite.create(folder);
    const db = drizzle(made);
    await migrateEmbedded(db);
    await db.delete(meta);
    // Shut down in order: whoever opens it has nothing to recover.
    await made.close();
    const closed = await PGlite.create(folder, { noInitDb: true });
    const archive = await closed.dumpDataDir("gzip");
    return new Uint8Array(await archive.arrayBuffer());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
