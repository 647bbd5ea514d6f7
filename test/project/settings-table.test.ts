import { readdir, readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { envExample, envExamplePath } from "../../scripts/env-example.ts";
import { settingsPages, settingsTable, tableIn } from "../../scripts/settings-table.ts";
import { allSettings } from "../../src/config/all-settings.ts";

test.each(Object.entries(settingsPages))(
  "%s has the settings as they are: npm run settings",
  async (page, settings) => {
    expect(await tableIn(page)).toBe(settingsTable(settings));
  },
);

describe(envExamplePath, async () => {
  const text = await readFile(new URL(`../../${envExamplePath}`, import.meta.url), "utf8");

  test("has the settings as they are: npm run settings", () => {
    expect(text).toBe(envExample(allSettings));
  });

  test("sets nothing as it is, and what is uncommented is read as it was meant", () => {
    expect(parseEnv(text)).toEqual({});
    const filled = parseEnv(text.replaceAll(/^#(?=[A-Z])/gm, ""));
    const names = allSettings.flatMap(({ name, secret }) => (secret === true ? [name, `${name}_FILE`] : [name]));
    expect(Object.keys(filled).sort()).toEqual(names.sort());
    for (const setting of allSettings) expect(filled[setting.name]).toBe(setting.default ?? "");
  });

  test("has no secret in it, and fits a terminal", () => {
    const secret = allSettings.filter((setting) => setting.secret === true);
    for (const { name } of secret) expect(text).toContain(`#${name}=\n#${name}_FILE=`);
    for (const line of text.split("\n").filter((line) => /^# /.test(line)))
      expect(line.length).toBeLessThanOrEqual(120);
  });
});

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
  const unread = allSettings.filter(({ name }) => (times.get(name)?.length ?? 0) < 2);
  expect(unread.map(({ name }) => name)).toEqual([]);
});
