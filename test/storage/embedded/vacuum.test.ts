import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedDatabase, openEmbeddedDatabase } from "../../../src/storage/embedded/open.ts";
import { vacuumWorn } from "../../../src/storage/embedded/vacuum.ts";
import { createTestDirectory, type TestDirectory } from "../../support/database.ts";

let data: TestDirectory;
let database: EmbeddedDatabase;
beforeAll(async () => {
  data = await createTestDirectory();
  database = await openEmbeddedDatabase(join(data.directory, "db"));
});
afterAll(async () => {
  await database.close();
  await data.remove();
});

/** Runs a statement; what is counted of its table is there to read afterwards, which else takes up to a second. */
async function counted<Row>(text: string): Promise<readonly Row[]> {
  const { rows } = await database.client.query<Row>(text);
  await database.client.query("select pg_stat_force_next_flush()");
  return rows;
}

const table = `select n_dead_tup::int as dead, last_vacuum is not null as vacuumed, last_analyze is not null as analyzed
  from pg_stat_user_tables where relname = 'worn "out"'`;

test("what is deleted makes room, and new rows are counted, where that has become much", async () => {
  await database.client.query(`create table "worn ""out""" as select n from generate_series(1, 300) n`);
  await counted(`delete from "worn ""out""" where n <= 20`);
  await vacuumWorn(database.client);
  expect(await counted(table)).toEqual([{ dead: 20, vacuumed: false, analyzed: true }]);
  await counted(`delete from "worn ""out""" where n <= 200`);
  await vacuumWorn(database.client);
  expect(await counted(table)).toEqual([{ dead: 0, vacuumed: true, analyzed: true }]);
});
