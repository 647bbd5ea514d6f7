import postgres from "postgres";
import { afterAll } from "vitest";
import { createClock } from "../../rig/clock.ts";
import { targetOf } from "../../rig/postgres-target.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { describeContract } from "../contract/contract.ts";
import { createTools, type OpenedStorage, silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";

const database = await createTestDatabase();
const clock = createClock();
const storage = await openPostgres({ target: targetOf(database.url), log: silentLog, ...createTools(clock) });
const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
const opened: OpenedStorage = {
  storage,
  clock,
  raw: (text, values = []) => sql.unsafe(text, values as string[]),
  close: async () => {
    await sql.end();
    await storage.close();
    await database.drop();
  },
};
afterAll(opened.close);

describeContract(opened);
