import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { openForReseal } from "../../src/storage/resealing/postgres.ts";
import { silentLog } from "../contract/harness.ts";
import { describeReseal } from "../contract/reseal.ts";
import { createTestDatabase } from "../support/database.ts";

const testDatabase = await createTestDatabase();
const target = targetOf(testDatabase.url);
const service = createPostgresPool({ target, maxConnections: 10, pooled: false, random: randomBytes, log: silentLog });
const resealing = await openForReseal(target, randomBytes);
const sql = postgres(testDatabase.url, { max: 1, onnotice: () => undefined });
afterAll(async () => {
  await sql.end();
  await resealing.close();
  await service.close();
  await testDatabase.drop();
});

describeReseal({
  service,
  resealing: resealing.database,
  raw: (text, values = []) => sql.unsafe(text, values as string[]),
});
