import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { settingsPages, settingsTable, tableIn } from "../../scripts/settings-table.ts";
import { allSettings } from "../../src/config/all-settings.ts";

test.each(Object.entries(settingsPages))(
  "%s has the settings as they are: npm run settings",
  async (page, settings) => {
    expect(await tableIn(page)).toBe(settingsTable(settings));
  },
);

test("docs/settings.md names every setting and its aliases", async () => {
  const table = await tableIn("docs/settings.md");
  for (const { name, aliases = [] } of allSettings) {
    for (const known of [name, ...aliases]) expect(table).toContain(`\`${known}\``);
  }
});

test("README.md shows the ten that a newcomer needs", () => {
  expect(settingsPages["README.md"]).toHaveLength(10);
});

test("every setting is read, or said to be unused", async () => {
  const texts = await Promise.all(
    ["../../src/", "../../sandbox/"].map(async (folder) => {
      const root = new URL(folder, import.meta.url);
      const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".ts"));
      return Promise.all(files.map((name) => readFile(new URL(name, root), "utf8")));
    }),
  );
  const named = [
    ...texts
      .flat()
      .join("\n")
      .matchAll(/"([A-Z][A-Z\d_]+)"|\b([A-Z][A-Z\d_]+):/g),
  ];
  const times = Map.groupBy(named, ([, quoted, key]) => quoted ?? key);
  const unread = allSettings.filter(({ name, support }) => support !== "unused" && (times.get(name)?.length ?? 0) < 2);
  expect(unread.map(({ name }) => name)).toEqual([]);
});
