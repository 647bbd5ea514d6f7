import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const folder = new URL("../../src/storage/migrations/", import.meta.url);

interface Entry {
  readonly idx: number;
  readonly when: number;
  readonly tag: string;
}

const { entries } = JSON.parse(await readFile(new URL("meta/_journal.json", folder), "utf8")) as {
  readonly entries: readonly Entry[];
};

test("every migration is later than the one before, or databases that have that one would never get it", () => {
  const early = entries.filter(({ when }, i) => when <= (entries[i - 1]?.when ?? 0));
  expect(early).toEqual([]);
});

test("every file of a migration is in the journal, by its number", async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  expect(entries.map(({ tag }) => `${tag}.sql`)).toEqual(files);
  expect(entries.map(({ idx }) => idx)).toEqual(entries.map((_, i) => i));
  expect(entries.map(({ tag }) => Number(tag.slice(0, 4)))).toEqual(entries.map(({ idx }) => idx));
});
