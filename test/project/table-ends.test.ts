import { readFile } from "node:fs/promises";
import { getTableConfig } from "drizzle-orm/pg-core";
import { expect, test } from "vitest";
import * as schema from "../../src/storage/schema.ts";

const page = await readFile(new URL("../../docs/limits.md", import.meta.url), "utf8");
const [, section = ""] = page.split("## What the database keeps, and how long\n");
const [table = ""] = section.split("\n## ");
const rows = table.split("\n").flatMap((line) => {
  const [, name, , end = ""] = /^\| `(\w+)` \| (.+) \| (.+) \|$/.exec(line) ?? [];
  return name === undefined ? [] : [{ name, end }];
});

// That schema.ts has all tables of both databases is held by the contract of the storage.
test("docs/limits.md says of every table what ends its rows", () => {
  const tables = Object.values(schema).map((each) => getTableConfig(each).name);
  expect(rows.map(({ name }) => name).sort()).toEqual(tables.sort());
  expect(rows.filter(({ end }) => !/\w/.test(end))).toEqual([]);
});
