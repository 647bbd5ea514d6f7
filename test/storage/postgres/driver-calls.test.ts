import { randomBytes } from "node:crypto";
import { sql } from "drizzle-orm/sql";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import type { Queries } from "../../../src/storage/database.ts";
import { createPostgresPool } from "../../../src/storage/postgres/pool.ts";
import { meta } from "../../../src/storage/schema.ts";
import { silentLog } from "../../contract/harness.ts";
import { createTestDatabase } from "../../support/database.ts";
import { authentication, createFakePostgres, message, ready } from "./fake-postgres.ts";

const database = await createTestDatabase();
const target = targetOf(database.url);
// One connection, on which everything follows what failed on it.
const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
afterAll(async () => {
  await pool.close();
  await database.drop();
});

const failures: Readonly<Record<string, string>> = {
  "divides by zero in its fourth row": "1 / (4 - i)",
  "runs out of time in its fourth row": "(select pg_sleep(case when i = 4 then 10 else 0 end) where i > 0) is null",
};

/** Rows are on their way already when it fails. */
const failing = (column: string) => (db: Queries) =>
  db
    .select({ i: sql.raw("i"), column: sql.raw(column), bulk: sql.raw("repeat('x', 20000)") })
    .from(sql.raw("generate_series(1, 9) i"));
const numbers = (db: Queries) => db.select({ n: sql<number>`n::int` }).from(sql`generate_series(1, 3) n`);
const kept = (db: Queries) =>
  db
    .insert(meta)
    .values({ key: randomBytes(8).toString("hex"), value: "kept" })
    .returning({ value: meta.value });

describe.each(Object.entries(failures))("after a statement that %s", (_how, column) => {
  const fail = () => expect(pool.write(failing(column))).rejects.toThrow();
  beforeAll(() => pool.write((db) => db.execute(sql`set statement_timeout = 300`)));

  test("the next read of the connection is whole", async () => {
    await fail();
    expect(await pool.read(numbers)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test("the next write gives back what it wrote", async () => {
    await fail();
    expect(await pool.write(kept)).toEqual([{ value: "kept" }]);
  });

  test("a statement sent behind it is answered whole", async () => {
    const failed = fail();
    expect(await pool.read(numbers)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await failed;
  });

  test("a statement of rows as objects is whole", async () => {
    await fail();
    const rows: unknown = await pool.write((db) => db.execute(sql`select 1 as one`));
    expect(Array.from(rows as readonly unknown[])).toEqual([{ one: 1 }]);
  });
});

describe("a transaction whose connection is cut between two statements", () => {
  const pid = (db: Queries) => db.select({ pid: sql<number>`pg_backend_pid()` }).from(sql`(select 1) as one`);
  async function cut(tx: Queries): Promise<void> {
    const [backend] = await pid(tx);
    const other = postgres(database.url, { max: 1 });
    await other`select pg_terminate_backend(${backend?.pid ?? 0})`;
    const gone = async () => (await other`select from pg_stat_activity where pid = ${backend?.pid ?? 0}`).length === 0;
    await until(gone, "the backend is gone");
    await other.end();
    // What it said last has been read.
    await new Promise((resolve) => setImmediate(resolve));
  }

  test.each<[string, (tx: Queries) => Promise<unknown>]>([
    ["says something more", pid],
    ["fails for another reason", () => Promise.reject(new Error("another"))],
    ["ends", () => Promise.resolve("done")],
  ])("and that %s is refused, and harms nothing else", async (_what, next) => {
    const ended = pool.transaction(async (tx) => {
      await cut(tx);
      return next(tx);
    });
    await expect(ended).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    const isWhole = () =>
      pool.read(numbers).then(
        (rows) => rows.length === 3,
        () => false,
      );
    await until(isWhole, "the pool works again", 15_000);
  });
});

describe("what is no answer of a database", () => {
  test.each([
    ["a row of nothing", message("D", "\0\x01\0\0\0\x01x")],
    ["an error without a code", message("E", "Mgone away\0\0")],
    ["the words of something else", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("is SERVICE_UNAVAILABLE: %s", async (_what, answer) => {
    const fake = await createFakePostgres({
      async talk(client, next) {
        client.write(Buffer.concat([authentication(0), ready]));
        for (;;) {
          await next();
          client.end(answer);
        }
      },
    });
    const options = { target: targetOf(`postgresql://me@127.0.0.1:${fake.port}/d`), maxConnections: 1, pooled: false };
    const strange = createPostgresPool({ ...options, random: randomBytes, log: silentLog });
    await expect(strange.write(kept)).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE", retryAfterMs: 1_000 });
    await expect(strange.transaction(kept)).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    await strange.close();
    await fake.close();
  });
});
