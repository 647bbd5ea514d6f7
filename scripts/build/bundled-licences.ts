import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isAllowed } from "../licences.ts";
import { root } from "../run-tool.ts";

/**
 * Names and licences of the packages in a bundle, as their authors ask for. `folders` as `node_modules/express`.
 * @throws Error if a package is under a licence that is not allowed.
 */
export async function bundledLicences(folders: readonly string[]): Promise<string> {
  const parts = await Promise.all(folders.map(licenceOf));
  return [`What is in this folder was made of oauth-token-service (Apache-2.0) and of these packages.`, ...parts].join(
    `\n\n${"-".repeat(80)}\n`,
  );
}

async function licenceOf(folder: string): Promise<string> {
  const path = join(root, folder);
  const { name, version, license } = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
  if (!isAllowed(license))
    throw new Error(`${name} ${version} is under ${license}, which scripts/licences.ts does not allow`);
  const files = (await readdir(path)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), "utf8")));
  if (texts.length === 0) texts.push(await textOf(license));
  return [`${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join("\n\n");
}

/** Of those that come without it. */
async function textOf(license: string): Promise<string> {
  if (license === "Apache-2.0") return readFile(join(root, "LICENSE"), "utf8");
  return `The package has no text of this licence: https://spdx.org/licenses/${license}.html`;
}
