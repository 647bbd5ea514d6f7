import { join } from "node:path";
import { afterAll } from "vitest";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { describeRecord } from "../contract/record.ts";
import { createTestDirectory } from "../support/database.ts";

const { directory, remove } = await createTestDirectory();
const { client, database, close } = await openEmbeddedDatabase(join(directory, "db"));
afterAll(async () => {
  await close();
  await remove();
});

describeRecord({
  database,
  embedded: true,
  raw: async (text, values = []) => (await client.query<Record<string, unknown>>(text, [...values])).rows,
});
