import { randomBytes } from "node:crypto";
import { sql } from "drizzle-orm/sql";
import postgres from "postgres";
import { afterEach, describe, expect, test } from "vitest";
import { targetOf } from "../../../rig/postgres-target.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { createPostgresPool, type PostgresPool } from "../../../src/storage/postgres/pool.ts";
import { checkSession } from "../../../src/storage/postgres/session-check.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createTestDatabase } from "../../support/database.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A database and a way to it that depends on none of its settings. */
async function database(options?: { empty: boolean }) {
  const { url, drop } = await createTestDatabase(options);
  cleanups.push(drop);
  const name = new URL(url).pathname.slice(1);
  const run = async (statement: string) => {
    const client = postgres(url, { max: 1, onnotice: () => undefined, connection: { search_path: "public" } });
    try {
      return await client.unsafe(statement);
    } finally {
      await client.end();
    }
  };
  return { url, name, run };
}

async function open(url: string) {
  const storage = await openPostgres({ target: targetOf(url), log: silentLog, openTimeoutMs: 300, ...createTools() });
  cleanups.push(() => storage.close());
  return storage;
}

const tablesIn = (schema: string) =>
  `select relname from pg_class where relkind = 'r' and relnamespace = '${schema}'::regnamespace`;

describe.each([false, true])("a session, pooled: %s", (pooled) => {
  function poolOf(url: string): PostgresPool {
    const options = { target: targetOf(url), maxConnections: 2, pooled, schema: "public", random: randomBytes };
    const pool = createPostgresPool({ ...options, log: silentLog });
    cleanups.push(() => pool.close());
    return pool;
  }

  test("has its own say in everything that it depends on", async () => {
    const { url, name, run } = await database();
    const others = {
      DateStyle: "'SQL, DMY'",
      TimeZone: "'Asia/Tokyo'",
      synchronous_commit: "off",
      row_security: "off",
    };
    for (const [setting, value] of Object.entries(others))
      await run(`alter database ${name} set ${setting} = ${value}`);
    const pool = poolOf(url);
    expect(Object.keys(pool.settings)).toEqual(expect.arrayContaining(Object.keys(others)));
    const shown = (names: readonly string[]) =>
      sql.join(
        names.map((one) => sql`current_setting(${one})`),
        sql`, `,
      );
    const read = () =>
      pool.read((db) =>
        db
          .select({
            is: sql`concat_ws(' | ', ${shown(["datestyle", "timezone", "synchronous_commit", "row_security"])})`,
          })
          .from(sql`(select 1) as one`),
      );
    expect(await read()).toEqual([{ is: "ISO, MDY | UTC | on | on" }]);
    // Written so that its statement is sent as early as can be.
    const early = pool.read(
      async (db) => await db.select({ zone: sql`current_setting('timezone')` }).from(sql`(select 1) as one`),
    );
    expect(await early).toEqual([{ zone: "UTC" }]);
  });

  test("states how its transactions are isolated", async () => {
    const { url, name, run } = await database();
    await run(`alter database ${name} set default_transaction_isolation = 'serializable'`);
    const isolation = sql<string>`current_setting('transaction_isolation')`;
    const one = sql`(select 1) as one`;
    const pool = poolOf(url);
    expect(await pool.read((db) => db.select({ isolation }).from(one))).toEqual([{ isolation: "read committed" }]);
    expect(await pool.transaction((tx) => tx.select({ isolation }).from(one))).toEqual([
      { isolation: "read committed" },
    ]);
  });

  test("plans for statements that read little, unless the URL asks otherwise", async () => {
    const { url, name, run } = await database();
    await run(`alter database ${name} set jit = on`);
    await run(`alter database ${name} set max_parallel_workers_per_gather = 4`);
    const [jit, workers] = [sql`current_setting('jit')`, sql`current_setting('max_parallel_workers_per_gather')`];
    const read = (pool: PostgresPool) => pool.read((db) => db.select({ jit, workers }).from(sql`(select 1) as one`));
    expect(await read(poolOf(url))).toEqual([{ jit: "off", workers: "0" }]);
    const asked = "-c%20jit%3Don%20-c%20max_parallel_workers_per_gather%3D2";
    expect(await read(poolOf(`${url}?options=${asked}`))).toEqual([{ jit: "on", workers: "2" }]);
  });

  test("is not refused for how a proxy makes it plan", async () => {
    const { url } = await database();
    const pool = poolOf(url);
    await checkSession(pool, { ...pool.settings, jit: "on" }, {});
    await expect(checkSession(pool, { ...pool.settings, TimeZone: "Asia/Tokyo" }, {})).rejects.toThrow(
      "TimeZone is UTC",
    );
  });

  test("takes what else the URL asks for", async () => {
    const { url } = await database();
    const pool = poolOf(`${url}?options=-c%20work_mem%3D5MB%20--app.word=a%5C%20b`);
    const rows = await pool.read((db) =>
      db
        .select({ memory: sql`current_setting('work_mem')`, word: sql`current_setting('app.word')` })
        .from(sql`(select 1) as one`),
    );
    expect(rows).toEqual([{ memory: "5MB", word: "a b" }]);
  });
});

test("behind a pooler nothing is read either where nothing can be written", async () => {
  const { url, name, run } = await database();
  const options = { target: targetOf(url), maxConnections: 2, schema: "public", random: randomBytes, log: silentLog };
  const pool = createPostgresPool({ ...options, pooled: true });
  cleanups.push(() => pool.close());
  const read = () => pool.read((db) => db.select({ is: sql`true` }).from(sql`(select 1) as one`));
  expect(await read()).toHaveLength(1);
  await run(`alter database ${name} set default_transaction_read_only = on`);
  await run(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  );
  await expect(read()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE", cause: { code: "25006" } });
});

describe("the schema in a URL", () => {
  test.each(["schema=tokens", "search_path=tokens", "options=-c%20search_path%3Dtokens", "currentSchema=tokens"])(
    "is where the tables land: %s",
    async (parameter) => {
      const { url, run } = await database({ empty: true });
      await run("create schema tokens");
      const storage = await open(`${url}?${parameter}`);
      await storage.ping();
      expect((await run(tablesIn("tokens"))).length).toBeGreaterThan(8);
      expect(await run(tablesIn("public"))).toHaveLength(0);
    },
  );

  test("may have a name that has to be quoted", async () => {
    const { url, run } = await database({ empty: true });
    await run('create schema "Tokens-2"');
    const storage = await open(`${url}?schema=Tokens-2`);
    expect(await storage.findDurabilityGap()).not.toContain("unlogged");
    await run('alter table "Tokens-2".rate_limits set unlogged');
    expect(await storage.findDurabilityGap()).toMatch(/has unlogged tables \(rate_limits\)$/);
  });

  test("that does not exist is named", async () => {
    const { url } = await database({ empty: true });
    await expect(open(`${url}?schema=nowhere`)).rejects.toThrow("names no schema that there is");
  });

  test("is needed where the search path leads away from the tables that there are", async () => {
    const { url, name, run } = await database();
    await run("create schema elsewhere");
    await run(`alter database ${name} set search_path = elsewhere`);
    await expect(open(url)).rejects.toThrow("tables are in the schema public");
    await (await open(`${url}?schema=public`)).ping();
  });

  test("stays the one that was found, whatever the role's path becomes", async () => {
    const { url, name, run } = await database();
    const storage = await open(url);
    await run("create schema elsewhere");
    await run(`alter database ${name} set search_path = elsewhere`);
    await run(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
    );
    await storage.ping().catch(() => undefined);
    await storage.ping();
  });
});

describe("a start is refused", () => {
  test.each([
    ["session_replication_role", "replica"],
    ["transaction_timeout", "'1s'"],
  ])("by the name of what cannot be stated: %s", async (setting, value) => {
    const { url, name, run } = await database();
    await run(`alter database ${name} set ${setting} = ${value}`);
    await expect(open(url)).rejects.toThrow(`${setting} is ${value === "replica" ? "replica" : "1000"}`);
  });

  test.each([
    ["LATIN1", "has the encoding LATIN1"],
    ["SQL_ASCII", undefined],
  ])("where not every name can be stored: %s", async (encoding, refusal) => {
    const { url, name, run } = await database({ empty: true });
    const other = `${name}_encoded`;
    await run(`create database ${other} encoding '${encoding}' locale 'C' template template0`);
    cleanups.push(() => run(`drop database ${other} with (force)`));
    const opening = open(url.replace(name, other));
    await (refusal === undefined ? opening : expect(opening).rejects.toThrow(refusal));
  });

  test("after a while where nothing may be written", async () => {
    const { url, name, run } = await database();
    await run(`alter database ${name} set default_transaction_read_only = on`);
    await expect(open(url)).rejects.toThrow("default_transaction_read_only");
  });
});

test("what may be lost in a crash is named", async () => {
  const { url, run } = await database();
  const storage = await open(url);
  const [server] = await run("select current_setting('fsync') as fsync");
  expect(await storage.findDurabilityGap()).toBe(server?.fsync === "on" ? undefined : "runs with fsync=off");
  await run("alter table rate_limits set unlogged");
  expect(await storage.findDurabilityGap()).toMatch(/has unlogged tables \(rate_limits\)$/);
});

describe("the journal of migrations", () => {
  /** As versions left it that kept theirs where a neighbour keeps its own. */
  async function shared() {
    const made = await database();
    await made.run(`create schema drizzle;
      create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
      insert into drizzle.__drizzle_migrations (hash, created_at)
        select hash, created_at from oauth_token_service_migrations order by created_at;
      insert into drizzle.__drizzle_migrations (hash, created_at) values ('a neighbour''s', 9000000000000);`);
    return made;
  }
  const ours = "select created_at, hash from oauth_token_service_migrations order by created_at";
  const theirs = "select hash, created_at::text from drizzle.__drizzle_migrations";

  test("is moved out of a shared one, which keeps what is others'", async () => {
    const { url, run } = await shared();
    const before = await run(ours);
    await run("drop table oauth_token_service_migrations");
    for (const _start of ["first", "next"]) await (await open(url)).ping();
    expect(await run(ours)).toEqual(before);
    expect(await run(theirs)).toEqual([{ hash: "a neighbour's", created_at: "9000000000000" }]);
  });

  test("of a neighbour is left alone by a fresh start, and by the next one", async () => {
    const { url, run } = await database({ empty: true });
    await run(`create schema drizzle;
      create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
      insert into drizzle.__drizzle_migrations (hash, created_at) values ('a neighbour''s', 9000000000000);`);
    for (const _start of ["first", "next"]) await (await open(url)).ping();
    expect(await run(theirs)).toEqual([{ hash: "a neighbour's", created_at: "9000000000000" }]);
  });

  test("whose tables the search path does not find is not begun anew", async () => {
    const { url, run } = await shared();
    await run("drop table oauth_token_service_migrations; create schema elsewhere");
    await expect(open(`${url}?schema=elsewhere`)).rejects.toThrow("tables are in the schema public");
  });
});
