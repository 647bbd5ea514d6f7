import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { sightOfEverything } from "../../src/domain/access/access.ts";
import type { InstallationFilter, Position } from "../../src/domain/model/installation.ts";
import type { Database } from "../../src/storage/database.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { searchInstallations } from "../../src/storage/installations/search.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { silentLog } from "../contract/harness.ts";
import { createTestDatabase, createTestDirectory } from "../support/database.ts";

interface Opened {
  readonly database: Database;
  close(): Promise<void>;
}

async function openOnPostgres(): Promise<Opened> {
  const { url, drop } = await createTestDatabase();
  const target = targetOf(url);
  const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
  return { database: pool, close: () => pool.close().then(drop) };
}

async function openEmbedded(): Promise<Opened> {
  const { directory, remove } = await createTestDirectory();
  const { database, close } = await openEmbeddedDatabase(join(directory, "db"));
  return { database, close: () => close().then(remove) };
}

/** A list of 60: every third is Acme's, the ten oldest are of Initech; ids count from the newest on. */
const rows = 60;
const bounds = { few: 3, mostSorted: 5, mostRead: 20 };
/** With these, pages of four are looked for at the beginning first. */
const near = { ...bounds, few: 10 };
const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const acmes = Array.from({ length: rows }, (_, n) => n).filter((n) => n % 3 === 0 && n < 50);

describe.each([
  { name: "Postgres", open: openOnPostgres },
  { name: "the embedded database", open: openEmbedded },
])("where more match than are sorted, on $name", ({ open }) => {
  let opened: Opened;
  const write = (statement: SQL) => opened.database.write((db) => db.execute(statement));
  beforeAll(async () => {
    opened = await open();
    await write(sql`insert into installations (id, platform, products, status, owner, external_org_id,
        external_org_name, scopes, permissions, metadata, created_at, updated_at)
      select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'slack', array['slack'],
        case n % 2 when 0 then 'active' else 'suspended' end, 'owner-' || n % 2, 'T' || n,
        case when n >= 50 then 'Initech ' when n % 3 = 0 then 'Acme ' else 'Umbrella ' end || n, '{}', '{}', '{}',
        now() - n / 2 * interval '1 second', now() from generate_series(0, ${sql.raw(String(rows - 1))}) as n`);
  });
  afterAll(() => opened.close());

  async function pages(text: string, filter: InstallationFilter = {}, within = bounds): Promise<string[][]> {
    const limit = 4;
    const found: string[][] = [];
    let after: Position | undefined;
    do {
      const listing = { filter, visible: sightOfEverything, after };
      const page = await searchInstallations(opened.database, text, listing, limit, within);
      found.push(page.found.map(({ externalOrgName }) => externalOrgName));
      const last = page.found.at(-1);
      after = page.found.length === limit && last !== undefined ? last : page.lookedTo;
    } while (after !== undefined);
    return found;
  }
  /** Of one moment the one with the greater id comes first. */
  const inOrder = (numbers: readonly number[]) =>
    numbers.toSorted((a, b) => Math.floor(a / 2) - Math.floor(b / 2) || idOf(b).localeCompare(idOf(a)));

  test.each([undefined, "slack"])("finds each once and in order, of product %s", async (platform) => {
    for (const within of [bounds, near]) {
      const found = await pages("ACME", { platform }, within);
      expect(found.flat()).toEqual(inOrder(acmes).map((n) => `Acme ${n}`));
    }
  });

  test("has a page that is full at the beginning with two statements, and no other", async () => {
    let reads = 0;
    const counted: Database = {
      ...opened.database,
      read(work) {
        reads += 1;
        return opened.database.read(work);
      },
    };
    const first = (filter: InstallationFilter) => {
      const listing = { filter, visible: sightOfEverything, after: undefined };
      return searchInstallations(counted, "acme", listing, 4, near);
    };
    const { found } = await first({ platform: "slack" });
    expect(found.map(({ externalOrgName }) => externalOrgName)).toEqual(inOrder([0, 3, 6, 9]).map((n) => `Acme ${n}`));
    expect(reads).toBe(2);
    expect((await first({ owner: "owner-1" })).found).toHaveLength(4);
    expect(reads).toBeGreaterThan(4);
  });

  test("goes on behind what has gone while it was looked for", async () => {
    let reads = 0;
    const changing: Database = {
      ...opened.database,
      async read(work) {
        reads += 1;
        if (reads === 4) await write(sql`update installations set status = 'pending' where id = ${idOf(3)}`);
        return opened.database.read(work);
      },
    };
    const listing = { filter: { status: "suspended" as const }, visible: sightOfEverything, after: undefined };
    const page = await searchInstallations(changing, "acme", listing, 4, bounds);
    await write(sql`update installations set status = 'suspended' where id = ${idOf(3)}`);
    expect(page.found.map(({ externalOrgName }) => externalOrgName)).toEqual(["Acme 9", "Acme 15", "Acme 21"]);
    expect(page.lookedTo?.id).toBe(idOf(21));
  });

  test("looks at so many rows for a page and no more: what is far down comes on a later one", async () => {
    expect((await pages("init")).map((page) => page.length)).toEqual([0, 0, 4, 4, 2]);
  });

  test("reads along what the filters leave", async () => {
    const odd = acmes.filter((n) => n % 2 === 1);
    const found = await pages("acme", { owner: "owner-1", status: "suspended" });
    expect(found.flat()).toEqual(inOrder(odd).map((n) => `Acme ${n}`));
    expect(await pages("acme", { owner: "owner-1", status: "active" })).toEqual([[]]);
  });

  test("few are found at once, wherever they are", async () => {
    expect(await pages("acme 48")).toEqual([["Acme 48"]]);
    expect(await pages("nobody")).toEqual([[]]);
    expect(await pages("acme 3")).toEqual([["Acme 3", "Acme 30", "Acme 33", "Acme 36"], ["Acme 39"]]);
  });
});

test("names are looked up in their index, by plans that are kept too", async () => {
  const { database, close } = await openOnPostgres();
  const run = (statement: SQL) => database.write((db) => db.execute(statement));
  /** What a connection has counted is added to the table's figures once the transaction that asks for it has ended. */
  async function rowsRead(): Promise<number> {
    await run(sql`select pg_stat_force_next_flush()`);
    const [read] = await database.read((db) =>
      db
        .select({ rows: sql<number>`(seq_tup_read + idx_tup_fetch)::int` })
        .from(sql`pg_stat_user_tables`)
        .where(sql`relname = 'installations'`),
    );
    return read?.rows ?? Number.NaN;
  }
  try {
    await run(sql`insert into installations (id, platform, products, status, owner, external_org_id, external_org_name,
        scopes, permissions, metadata, created_at, updated_at)
      select gen_random_uuid(), 'slack', array['slack'], 'active', 'owner-' || n, 'T' || n, 'Name ' || n, '{}', '{}',
        '{}', now() - n * interval '1 second', now() from generate_series(1, 5000) as n`);
    await run(sql`analyze installations`);
    const before = await rowsRead();
    const listing = { filter: {}, visible: sightOfEverything, after: undefined };
    for (const mode of ["force_generic_plan", "force_custom_plan"]) {
      await run(sql`select set_config('plan_cache_mode', ${mode}, false)`);
      for (let n = 1; n <= 8; n += 1) {
        for (const text of [`name 44${n}`, `OWNER-44${n}`]) {
          expect((await searchInstallations(database, text, listing, 51)).found.length, text).toBe(11);
        }
      }
    }
    const read = (await rowsRead()) - before;
    // Each of 32 searches reads its 11 a few times.
    expect(read).toBeGreaterThan(32 * 11);
    expect(read).toBeLessThan(32 * 50);
  } finally {
    await close();
  }
});
