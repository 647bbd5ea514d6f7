import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { settingsTable } from "../../scripts/settings-table.ts";
import { allSettings } from "../../src/config/settings.ts";

const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");

test("README.md has the settings as they are: node scripts/settings-table.ts --write", () => {
  const table = /<!-- settings -->\n([\s\S]*?)<!-- \/settings -->/.exec(readme)?.[1];
  expect(table).toBe(settingsTable());
});

test("the table names every setting and its aliases", () => {
  for (const { name, aliases = [] } of allSettings) {
    for (const known of [name, ...aliases]) expect(settingsTable()).toContain(`\`${known}\``);
  }
});
