import { join } from "node:path";
import { afterAll } from "vitest";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { createStorage } from "../../src/storage/storage.ts";
import { createTools } from "../contract/harness.ts";
import { createTestDirectory } from "../support/database.ts";
import { describeMatrix } from "./matrix.ts";

const { directory, remove } = await createTestDirectory();
const { database, close } = await openEmbeddedDatabase(join(directory, "db"));
afterAll(async () => {
  await close();
  await remove();
});

describeMatrix(async () => createStorage(database, createTools(), close));
