import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { refusedImports } from "../../scripts/check-imports.ts";
import { violationsIn } from "../../scripts/check-sources.ts";

const config = fileURLToPath(new URL("../../biome.json", import.meta.url));
const biome = fileURLToPath(new URL("../../node_modules/.bin/biome", import.meta.url));

/** What the project's linter says of files that could be at these places: `path rule`, in no order. */
async function lint(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-lint-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(config, join(folder, "biome.json"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const output = await new Promise<string>((resolve) => {
    const args = ["lint", "--colors=off", "--max-diagnostics=none", "--reporter=json", "."];
    execFile(biome, args, { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(output);
  return diagnostics.map(
    ({ category, location }: { category: string; location: { path: string } }) => `${location.path} ${category}`,
  );
}

/** Of the imports, those that a file of that folder may not have. */
function refusedIn(folder: string, imports: readonly string[]): readonly string[] {
  return refusedImports(`${folder}/zz.ts`, imports.map((what) => `import { x } from "${what}";\n`).join(""));
}

test.each([
  ["src", ["./domain/model/token.ts", "./config/settings.ts", "jose"]],
  ["src/config", ["../errors.ts", "../storage/migrate.ts", "../domain/model/token.ts", "pino"]],
  [
    "src/settings",
    ["../config/settings.ts", "../errors.ts", "../tls/certificates.ts", "../domain/model/token.ts", "pino"],
  ],
  ["src/work", ["../domain/model/token.ts", "../storage/migrate.ts", "pino"]],
  ["src/domain/access", ["../model/token.ts", "../tokens/get-token.ts"]],
  ["src/domain/model", ["../record/put-on-record.ts", "../tokens/get-token.ts", "lru-cache"]],
  ["src/domain/record", ["../refreshing/refresher.ts", "../connecting/attempt.ts"]],
  ["src/domain/refreshing", ["../tokens/get-token.ts", "../connecting/attempt.ts"]],
  ["src/domain/tokens", ["../connecting/attempt.ts", "../installations/list-installations.ts"]],
  ["src/domain/connecting", ["../tokens/get-token.ts", "../installations/list-installations.ts"]],
  [
    "src/domain",
    [
      "../storage/migrate.ts",
      "../config/settings.ts",
      "../../gen/google/rpc/code_pb.js",
      "express",
      "../main.ts",
      "prom-client/lib/gauge.js",
    ],
  ],
  ["src/platforms", ["../storage/migrate.ts", "../rpc/rules.ts", "../web/page.ts", "undici"]],
  ["src/storage", ["../platforms/http.ts", "../rpc/rules.ts", "../web/page.ts", "express"]],
  ["src/storage/seal", ["../../platforms/http.ts"]],
  ["src/rpc", ["../storage/migrate.ts", "../platforms/http.ts", "../web/page.ts", "drizzle-orm", "postgres"]],
  ["src/rpc/grpc", ["../../storage/migrate.ts", "../../../sandbox/demo.ts"]],
  [
    "src/web",
    [
      "../rpc/rules.ts",
      "../callers/callers.ts",
      "../storage/migrate.ts",
      "@grpc/grpc-js",
      "../../gen/google/rpc/code_pb.js",
    ],
  ],
  ["src/web/browser", ["../../rpc/json/create-json-calls.ts", "../internal/rest.ts"]],
  ["src/web/internal", ["../../rpc/json/create-json-calls.ts", "../../rpc/rules.ts", "../browser/page.ts"]],
  ["src/telemetry", ["../storage/migrate.ts", "../rpc/rules.ts", "../web/page.ts", "prom-client", "express"]],
  [
    "src/callers",
    ["../rpc/rules.ts", "../storage/migrate.ts", "../config/settings.ts", "../platforms/platforms.ts", "undici"],
  ],
  ["src/world", ["../domain/model/token.ts", "../callers/callers.ts", "express"]],
  ["src/app", ["../cli/command.ts", "express", "../../rig/clock.ts"]],
  ["src/cli", ["../rpc/rpc-names.ts", "../platforms/http.ts", "@grpc/grpc-js", "../../gen/google/rpc/code_pb.js"]],
])("%s may not import what is beside or above its layer", (folder, forbidden) => {
  expect(refusedIn(folder, forbidden).toSorted()).toEqual(forbidden.toSorted());
});

test.each([
  ["src/config", ["../secret.ts", "./settings.ts", "../settings/setting.ts", "../tls/certificates.ts", "node:path"]],
  ["src/tls", ["../world.ts", "./certificates.ts", "node:tls"]],
  ["src/web", ["../domain/connecting/address-rates.ts", "../tls/certificate-store.ts", "node:https", "express"]],
  ["src/web/internal", ["../../rpc/json/json-calls.ts", "../query.ts", "../../domain/access/caller.ts"]],
  ["src/domain", ["../errors.ts", "./model/token.ts", "./tokens/get-token.ts", "node:crypto"]],
  ["src/domain/tokens", ["../../work/or-after.ts", "../access/access.ts", "../refreshing/refresher.ts"]],
  ["src/domain/installations", ["../connecting/undo-install.ts", "../tokens/select-installation.ts"]],
  [
    "src/telemetry",
    ["../domain/model/telemetry.ts", "prom-client/lib/gauge.js", "@opentelemetry/api", "node:perf_hooks"],
  ],
  ["src/storage/seal", ["../storage.ts", "../../domain/model/token.ts", "drizzle-orm/pg-core", "node:timers/promises"]],
  ["src/rpc/grpc", ["../../../gen/google/rpc/code_pb.js", "../../domain/model/token.ts", "@grpc/grpc-js"]],
  [
    "src/callers",
    ["../domain/access/caller.ts", "../secret-shapes.ts", "../work/every.ts", "jose", "yaml", "node:crypto"],
  ],
  ["src/app", ["../rpc/rules.ts", "../storage/migrate.ts", "../world.ts", "../config/settings.ts"]],
])("%s may import what its layer stands on", (folder, allowed) => {
  expect(refusedIn(folder, allowed)).toEqual([]);
});

test.each([
  ["rig", ["test/support/call.ts", "sandbox/sandbox.ts", "bench/cores.ts", "chaos/row.ts"], ["src/secret.ts"]],
  ["sandbox", ["rig/clock.ts", "test/support/call.ts", "src/secret.ts"], []],
  ["test", ["bench/cores.ts", "chaos/row.ts", "fuzz/targets.ts"], ["src/secret.ts", "rig/clock.ts", "proto/x.proto"]],
  ["test/fuzz/support", ["fuzz/targets.ts"], ["src/secret.ts", "test/support/call.ts"]],
  ["bench", ["test/support/call.ts", "chaos/row.ts", "fuzz/targets.ts"], ["src/secret.ts"]],
  ["chaos/scenarios", ["test/support/call.ts", "bench/cores.ts"], ["src/secret.ts"]],
  ["fuzz", ["test/fuzz/support/messages.ts", "bench/cores.ts", "chaos/row.ts"], ["src/secret.ts"]],
  ["scripts", ["test/support/call.ts", "bench/cores.ts"], ["src/secret.ts", "README.md"]],
])("%s may not import what belongs to another folder", (folder, forbidden, allowed) => {
  const from = (paths: readonly string[]) => paths.map((path) => relative(folder, path));
  const imports = ["./zz1.ts", "node:path", "vitest", ...from(allowed), ...from(forbidden)];
  expect(refusedIn(folder, imports)).toEqual(from(forbidden));
});

const storage = "../../storage/migrate.ts";
const up = "..";

const written: readonly (readonly [string, string, string])[] = [
  ["a type's", `import type { X } from "${storage}";`, storage],
  ["a type's inside of another", `type X = import("${storage}").X;`, storage],
  ["one that is handed on", `export * from "${storage}";`, storage],
  ["one that is handed on under a name in quotes", `export { x as "a'b" } from "${storage}";`, storage],
  ["one for its effects", `import "${storage}";`, storage],
  ["one with a comment in it", `import {\n  x, // it's; here\n} from "${storage}";`, storage],
  ["one at run time", `const x = await import(\n  "${storage}"\n);`, storage],
  ["one through another folder", 'import { x } from "../tokens/../../rpc/rules.ts";', "../tokens/../../rpc/rules.ts"],
  ["data", 'import x from "../../../gen/x.json" with { type: "json" };', "../../../gen/x.json"],
  ["a type's that makes an unseen circle", 'type X = import("./get-token.ts").X;', 'import("./get-token.ts"'],
  ["a path that is made up", `const x = await import(\`${up}/../\${y}/rules.ts\`);`, `${up}/../\${y}/rules.ts`],
  ["a path that is handed in", "const x = await import(path);", "import(path"],
  ["a worker's", `new Worker(new URL("${storage}", import.meta.url));`, storage],
  ["one that is required", `createRequire(import.meta.url)("${storage}");`, storage],
  ["a reference", `/// <reference path="${storage}" />`, storage],
  ["a package's types", 'type X = import("express").X;', "express"],
  ["a package's, with a comment", 'await import(/* why */ "express");', "express"],
  ...["#storage", "/src/rpc/rules.ts", "file:///src/x.ts"].map((what) => [what, `import "${what}";`, what] as const),
];

test.each(written)("an import is found however it is written: %s", (_what, text, found) => {
  expect(refusedImports("src/domain/tokens/zz.ts", `${text}\n`)).toContain(found);
});

test("a folder that is not in the table may import nothing, and nobody may import it", () => {
  for (const path of ["src/new/zz.ts", "src/domain/new/zz.ts", "src/web/new/zz.ts", "tools/zz.ts", "zz/zz/zz.mjs"]) {
    expect(refusedImports(path, "")).toEqual(["anything: its folder is not there"]);
  }
  expect(refusedImports("src/cli/zz.ts", 'const x = await import("./commands/rotate.ts");\n')).toEqual([]);
  expect(refusedImports("src/main.ts", 'import "./app/start-app.ts";\n')).toEqual([]);
  expect(refusedImports("src/app/zz.ts", 'import "../new/zz.ts";\n')).toEqual(["../new/zz.ts"]);
});

test("imports form no circle, types included", async () => {
  const found = await lint({
    "src/domain/zz1.ts": 'import type { B } from "./zz2.ts";\nexport type A = B | 1;\n',
    "src/domain/zz2.ts": 'import type { A } from "./zz1.ts";\nexport type B = A | 2;\n',
  });
  expect([...new Set(found)].sort()).toEqual([
    "src/domain/zz1.ts lint/suspicious/noImportCycles",
    "src/domain/zz2.ts lint/suspicious/noImportCycles",
  ]);
});

test("src has the network, the log and the process from outside", async () => {
  const uses = ['fetch("x")', "console.log(1)", "process.env", "crypto.randomUUID()"];
  const inDomain = uses.map((use, index) => [`src/domain/zz${index}.ts`, `export const x = () => ${use};\n`]);
  const found = await lint({ ...Object.fromEntries(inDomain), "src/main.ts": "process.exit(1);\n" });
  expect([...found].sort()).toEqual(inDomain.map(([path]) => `${path} lint/style/noRestrictedGlobals`));
});

test("src has time and randomness from outside", () => {
  expect(violationsIn("src/domain/zz.ts", "\nconst x = Date.now();")).toEqual([
    "src/domain/zz.ts:2: the time comes from the World",
  ]);
  expect(violationsIn("src/domain/zz.ts", "const x = new Date();")).toHaveLength(1);
  expect(violationsIn("src/domain/zz.ts", "const x = Math.random();")).toHaveLength(1);
  expect(violationsIn("src/domain/zz.ts", 'import { createHash, randomBytes } from "node:crypto";')).toHaveLength(1);
  expect(violationsIn("src/domain/zz.ts", 'import { env } from "node:process";')).toHaveLength(1);
  expect(violationsIn("src/main.ts", "const now = () => new Date();")).toHaveLength(1);
  expect(violationsIn("src/world/clock.ts", "const machineMs = Date.now;")).toEqual([]);
  expect(
    violationsIn("src/domain/zz.ts", 'const x = new Date(now); import { createHash } from "node:crypto";'),
  ).toEqual([]);
});
