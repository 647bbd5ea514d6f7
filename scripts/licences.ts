import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type LockedPackage, readLockedPackages } from "./locked-packages.ts";
import { root } from "./run-tool.ts";

/** Licences that ask for nothing but their text being kept, beside our own Apache-2.0 (SPDX identifiers). */
const allowed = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "Unlicense",
]);

/** Of the packages, those in production whose licence is not allowed or not stated, as `name version: licence`. */
export function licenceProblems(packages: readonly LockedPackage[]): readonly string[] {
  return packages
    .filter(({ isProduction, licence }) => isProduction && !isAllowed(licence))
    .map(({ name, version, licence }) => `${name} ${version}: ${licence ?? "no licence is stated"}`);
}

/** docs/licences.md. */
export function licencesPage(packages: readonly LockedPackage[]): string {
  const production = packages.filter(({ isProduction }) => isProduction);
  const rows = production.map(
    ({ name, version, licence, usedBy }) => `| ${name} | ${version} | ${licence ?? ""} | ${usedBy.join(", ")} |`,
  );
  return [
    "# Licences of the packages in the image and the client package",
    "",
    `${production.length} packages, as package-lock.json has them. Written by \`npm run licences\`; a licence that is`,
    "not on the list in that script fails the tests. Not listed: what is for development only, and Node.js itself (MIT).",
    "The service itself is under Apache-2.0: [LICENSE](../LICENSE).",
    "",
    "| package | version | licence | in |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** Whether we may ship what is under this licence. Of `A AND B` all, of `A OR B` one has to be allowed. Anything harder to read is not. */
export function isAllowed(licence: string | undefined): boolean {
  const expression = (licence ?? "").replace(/^\((.*)\)$/, "$1");
  if (expression.includes(" OR ")) return expression.split(" OR ").some((one) => allowed.has(one));
  return expression.split(" AND ").every((one) => allowed.has(one));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { write: { type: "boolean" } } });
  const packages = await readLockedPackages();
  const page = licencesPage(packages);
  if (values.write) await writeFile(join(root, "docs/licences.md"), page);
  else process.stdout.write(page);
  const problems = licenceProblems(packages);
  for (const problem of problems) console.error(`not allowed: ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
