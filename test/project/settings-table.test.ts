import { expect, test } from "vitest";
import { settingsPages, settingsTable, tableIn } from "../../scripts/settings-table.ts";
import { allSettings } from "../../src/config/all-settings.ts";

test.each(Object.entries(settingsPages))(
  "%s has the settings as they are: node scripts/settings-table.ts --write",
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
