import { randomBytes } from "node:crypto";
import { count } from "drizzle-orm";
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { ServiceError } from "../../src/errors.ts";
import { readInStretches } from "../../src/storage/counting/stretches.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { installLinks } from "../../src/storage/schema.ts";
import { silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";

const rows = 4_000;

/** Several stretches of a table, of which those by these numbers are not answered in time. */
async function countAll(unanswered: readonly number[]) {
  const database = await createTestDatabase();
  const client = postgres(database.url, { max: 1, onnotice: () => undefined });
  const pool = createPostgresPool({
    ...{ target: targetOf(database.url), maxConnections: 1, pooled: false, random: randomBytes, log: silentLog },
  });
  onTestFinished(async () => {
    await pool.close();
    await client.end();
    await database.drop();
  });
  await client`insert into install_links (secret_hash, platform, return_to, facts, created_at, expires_at)
    select n, 'slack', repeat('x', 1900), '{}', now(), now() from generate_series(1, ${rows}) as n`;
  let asked = 0;
  const counted = await readInStretches(pool, installLinks, async (db, stretch) => {
    if (unanswered.includes(asked++)) throw new ServiceError("SERVICE_UNAVAILABLE", "no answer in time");
    return db.select({ rows: count() }).from(installLinks).where(stretch);
  });
  return counted.map((one) => one.rows);
}

test("a stretch that is not answered in time is asked for again, shorter, and every row is read once", async () => {
  const counted = await countAll([1, 2]);
  expect(counted.reduce((sum, one) => sum + one)).toBe(rows);
  expect(counted[1]).toBeLessThan(counted[0] ?? 0);
});

test("where less of it is not answered either the database is away", async () => {
  await expect(countAll([1, 2, 3])).rejects.toThrow("no answer in time");
});
