import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { allSettings, type Setting } from "../src/config/settings.ts";

const readme = fileURLToPath(new URL("../README.md", import.meta.url));
const place = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;

/** The table of every setting, in Markdown, as README.md has it between its two `settings` comments. */
export function settingsTable(): string {
  const rows = allSettings.map((setting) => `| ${nameOf(setting)} | ${defaultOf(setting)} | ${meaningOf(setting)} |`);
  return ["| setting | default | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { write: { type: "boolean" } } });
  if (values.write) {
    const text = await readFile(readme, "utf8");
    await writeFile(
      readme,
      text.replace(place, (_, begin: string, end: string) => begin + settingsTable() + end),
    );
  } else {
    process.stdout.write(settingsTable());
  }
}

function nameOf({ name, aliases = [], secret }: Setting): string {
  const also = aliases.map((alias) => `\`${alias}\``).join(", ");
  return `\`${name}\`${secret === true ? " (secret)" : ""}${also === "" ? "" : ` (or ${also})`}`;
}

function defaultOf(setting: Setting): string {
  return setting.default === undefined ? "" : setting.default.replaceAll("|", "\\|");
}

function meaningOf({ meaning, support }: Setting): string {
  return support === undefined ? meaning : `${meaning} *Not used by this version.*`;
}
