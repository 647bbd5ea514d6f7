import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allSettings } from "../src/config/all-settings.ts";
import type { Setting } from "../src/settings/setting.ts";
import { envExample, envExamplePath } from "./env-example.ts";
import { root } from "./run-tool.ts";

const place = /(<!-- settings -->\n)([\s\S]*?)(<!-- \/settings -->)/;

/** What a newcomer sets besides a platform. */
const firstSettings = [
  "BASE_URL",
  "PORT",
  "GRPC_PORT",
  "INTERNAL_PORT",
  "INTERNAL_HOST",
  "DATABASE_URL",
  "TOKEN_ENCRYPTION_KEY",
  "INSTALL_MODE",
  "ALLOWED_RETURN_ORIGINS",
  "AUTH_CONFIG",
];

/** The pages with a table of settings, and which settings each shows. */
export const settingsPages: Readonly<Record<string, readonly Setting[]>> = {
  "docs/settings.md": allSettings,
  "README.md": allSettings.filter(({ name }) => firstSettings.includes(name)),
};

/** A table of settings in Markdown, as a page has it between its two `settings` comments. */
export function settingsTable(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => `| ${nameOf(setting)} | ${defaultOf(setting)} | ${setting.meaning} |`);
  return ["| setting | default | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

/** The table that stands in a page; undefined where it has no place for one. */
export async function tableIn(page: string): Promise<string | undefined> {
  return place.exec(await readFile(join(root, page), "utf8"))?.[2];
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { write: { type: "boolean" } } });
  if (!values.write) process.stdout.write(settingsTable(allSettings));
  if (values.write) await writeFile(join(root, envExamplePath), envExample(allSettings));
  for (const [page, settings] of Object.entries(values.write ? settingsPages : {})) {
    const text = await readFile(join(root, page), "utf8");
    await writeFile(
      join(root, page),
      text.replace(place, (_, begin: string, _table: string, end: string) => begin + settingsTable(settings) + end),
    );
  }
}

function nameOf({ name, aliases = [], secret }: Setting): string {
  const also = aliases.map((alias) => `\`${alias}\``).join(", ");
  return `\`${name}\`${secret === true ? " (secret)" : ""}${also === "" ? "" : ` (or ${also})`}`;
}

function defaultOf(setting: Setting): string {
  return (setting.default ?? setting.unset ?? "").replaceAll("|", "\\|");
}
