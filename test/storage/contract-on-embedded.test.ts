import { join } from "node:path";
import { afterAll } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { createStorage } from "../../src/storage/storage.ts";
import { describeContract } from "../contract/contract.ts";
import { createTools } from "../contract/harness.ts";
import { createTestDirectory } from "../support/database.ts";

const { directory, remove } = await createTestDirectory();
const clock = createClock();
const { client, database, close } = await openEmbeddedDatabase(join(directory, "db"));
afterAll(async () => {
  await close();
  await remove();
});

describeContract({
  storage: createStorage(database, createTools(clock), close),
  clock,
  raw: async (text, values = []) => (await client.query<Record<string, unknown>>(text, [...values])).rows,
  close,
});
