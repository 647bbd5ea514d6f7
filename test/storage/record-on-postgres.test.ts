import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { silentLog } from "../contract/harness.ts";
import { describeRecord } from "../contract/record.ts";
import { createTestDatabase } from "../support/database.ts";

const testDatabase = await createTestDatabase();
const target = targetOf(testDatabase.url);
const database = createPostgresPool({ target, maxConnections: 10, pooled: false, random: randomBytes, log: silentLog });
const sql = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
afterAll(async () => {
  await sql.end();
  await database.close();
  await testDatabase.drop();
});

describeRecord({ database, raw: (text, values = []) => sql.unsafe(text, values as string[]) });
