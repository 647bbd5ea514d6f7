import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { licenceProblems, licencesPage } from "../../scripts/licences.ts";
import { type LockedPackage, readLockedPackages } from "../../scripts/locked-packages.ts";
import { imageOnly, readSbom } from "../../scripts/sbom.ts";

const root = new URL("../../", import.meta.url);
const packages = await readLockedPackages();
const production = packages.filter(({ isProduction }) => isProduction);
const idOf = ({ name, version }: { readonly name: string; readonly version: string }) => `${name}@${version}`;
const { allowScripts, dependencies, license } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));

function lockedPackage(given: Partial<LockedPackage>): LockedPackage {
  const scripts = { hasInstallScript: false, integrity: undefined, os: undefined, cpu: undefined };
  return { name: "a", version: "1.0.0", licence: "MIT", isProduction: true, usedBy: ["image"], ...scripts, ...given };
}

test("docs/licences.md is current: npm run licences", async () => {
  expect(await readFile(new URL("docs/licences.md", root), "utf8")).toBe(licencesPage(packages));
});

test("the service is under Apache-2.0: the whole text, its name wherever it is stated, and the image has it", async () => {
  const read = (path: string) => readFile(new URL(path, root), "utf8");
  expect(license).toBe("Apache-2.0");
  expect(JSON.parse(await read("package-lock.json")).packages[""].license).toBe(license);
  // Of https://www.apache.org/licenses/LICENSE-2.0.txt.
  expect(
    createHash("sha256")
      .update(await read("LICENSE"))
      .digest("hex"),
  ).toBe("cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30");
  expect(licencesPage([])).toContain(`under ${license}: [LICENSE]`);
  expect(licenceProblems([lockedPackage({ licence: license })])).toEqual([]);
  expect(await read("Dockerfile")).toContain("COPY package.json LICENSE ./");
});

test("every package in production has a licence that is allowed", () => {
  expect(licenceProblems(packages)).toEqual([]);
});

test.each([
  undefined,
  "",
  "GPL-3.0-only",
  "MIT AND GPL-3.0-only",
  "UNLICENSED",
  "SEE LICENSE IN LICENSE",
  "MIT WITH x",
])("the licence %j is not allowed", (licence) => {
  expect(licenceProblems([lockedPackage({ licence })])).toHaveLength(1);
  expect(licenceProblems([lockedPackage({ licence, isProduction: false })])).toEqual([]);
});

test.each(["MIT", "(MIT OR GPL-3.0-only)", "GPL-3.0-only OR ISC", "(Apache-2.0 AND BSD-3-Clause)"])(
  "the licence %j is allowed",
  (licence) => {
    expect(licenceProblems([lockedPackage({ licence })])).toEqual([]);
  },
);

test("everything that package.json asks for in production is among the packages in production", () => {
  const names = production.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
});

test("what the client package alone needs is told apart from what the image has", () => {
  const usersOf = (wanted: string) => production.filter(({ name }) => name === wanted).flatMap(({ usedBy }) => usedBy);
  expect(usersOf("@grpc/grpc-js")).toEqual(["image", "client"]);
  expect(usersOf("commander")).toEqual(["client"]);
  expect(usersOf("express")).toEqual(["image"]);
  expect(production.filter(({ usedBy }) => usedBy.length === 0).map(idOf)).toEqual([]);
});

test("every package in production is pinned by its hash", () => {
  expect(production.filter(({ integrity }) => !integrity?.startsWith("sha512-")).map(idOf)).toEqual([]);
});

test("what has no hash is for development, optional, and for another system than the image's", () => {
  const unpinned = packages.filter(({ integrity }) => integrity === undefined);
  for (const { name, isProduction, os, cpu } of unpinned) {
    expect(isProduction, name).toBe(false);
    const isForTheImage = os?.includes("linux") === true && cpu?.includes("x64") === true && !name.endsWith("-musl");
    expect(os === undefined || isForTheImage, name).toBe(false);
  }
});

test("no script of a package in production is run when it is installed", () => {
  // Only prints a warning about version ranges.
  const withScript = production.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
  expect(withScript).toEqual(["protobufjs"]);
  for (const name of withScript) expect(allowScripts[name], name).toBe(false);
});

test("every package that would run a script when it is installed was decided on", () => {
  const withScript = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name);
  expect(Object.keys(allowScripts).sort()).toEqual([...new Set(withScript)].sort());
});

test("the bill of materials is CycloneDX and has every package in production, with its hash and licence", async () => {
  const sbom = await readSbom();
  expect(sbom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.5" });
  expect(sbom.metadata.component).toMatchObject({ type: "application", name: "oauth-token-service" });
  const inImage = production.filter(({ usedBy }) => usedBy.includes("image"));
  expect(sbom.components.map(idOf).sort()).toEqual([...new Set(inImage.map(idOf))].sort());
  for (const { name, hashes, licenses } of sbom.components) {
    expect(hashes?.[0]?.alg, name).toBe("SHA-512");
    expect(licenses, name).toHaveLength(1);
  }
  const refs = new Set([...sbom.components.map((component) => component["bom-ref"]), `oauth-token-service@0.1.0`]);
  expect(new Set(sbom.dependencies.map(({ ref }) => ref))).toEqual(refs);
  expect(sbom.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref))).toEqual([]);
});

test("the bill of materials leaves out what the image does not have", () => {
  const component = (name: string) => ({ "bom-ref": `${name}@1.0.0`, name, version: "1.0.0" });
  const sbom = {
    specVersion: "1.5",
    metadata: { component: { "bom-ref": "main@0.0.0" } },
    components: [component("a"), component("b")],
    dependencies: [
      { ref: "main@0.0.0", dependsOn: ["a@1.0.0", "b@1.0.0"] },
      { ref: "b@1.0.0", dependsOn: [] },
    ],
  };
  for (const other of [{ isProduction: false }, { usedBy: ["client"] as const }]) {
    const kept = imageOnly(sbom, [lockedPackage({}), lockedPackage({ name: "b", ...other })]);
    expect(kept.components).toEqual([component("a")]);
    expect(kept.dependencies).toEqual([{ ref: "main@0.0.0", dependsOn: ["a@1.0.0"] }]);
  }
});
