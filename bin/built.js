// @ts-check
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, sep } from "node:path";

// Of what dist/ is built, and whether it still is. Plain JavaScript of Node's own modules: it runs at every start.

/** What a build is made of, beside the packages it names. */
const inputs = ["package.json", "tsconfig.json", "bin", "scripts/build", "rig/embedded-image.ts", "src", "gen"];

/** Written last, so that a folder without it is not a build. */
const manifest = "built.json";

/**
 * Builds dist/ if it is not what the sources in `root` make, and says so. Where there are no sources it is what it is.
 * @param {string} root
 * @throws {Error} that says what to do, if it cannot be built here.
 */
export function ensureBuilt(root) {
  if (!existsSync(join(root, "src")) || isCurrent(root)) return;
  build(root);
}

/**
 * Whether dist/ was built of these very sources and packages.
 * @param {string} root
 */
export function isCurrent(root) {
  const built = readJson(join(root, "dist", manifest));
  if (built === undefined || built.inputs !== fingerprint(root)) return false;
  const installed = installedVersions(root);
  return Object.entries(built.packages).every(([folder, version]) => installed[folder]?.version === version);
}

/**
 * Builds beside dist/, and puts it in its place when it is complete: who builds the same at the same time is not disturbed,
 * and a build that fails leaves what was there.
 * @param {string} root
 * @throws {Error} that says what to do.
 */
export function build(root) {
  const stale = "dist/ is not built of these sources, and";
  if (!existsSync(join(root, "node_modules", "rolldown"))) {
    throw new Error(
      `${stale} what builds it is not installed: run npm ci (without --omit=dev) and npm run build, then npm prune ` +
        "--omit=dev if you like",
    );
  }
  if (!isWritable(root)) throw new Error(`${stale} ${root} cannot be written to: run npm run build as who owns it`);
  process.stderr.write("building dist/, since the sources are not those it was built of\n");
  const fresh = join(root, `.dist.${process.pid}.new`);
  const inputs = fingerprint(root);
  try {
    const script = join(root, "scripts", "build", "build.ts");
    // Its words go beside the result of whoever has asked for a command.
    const { status } = spawnSync(process.execPath, [script, fresh], { cwd: root, stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error("dist/ could not be built: see above");
    const installed = installedVersions(root);
    const folders = readJson(join(fresh, "packages.json")) ?? [];
    const packages = Object.fromEntries(
      folders.map((/** @type {string} */ folder) => [folder, installed[folder]?.version]),
    );
    writeFileSync(join(fresh, manifest), JSON.stringify({ inputs, packages }));
    replace(join(root, "dist"), fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/**
 * File by file, so that there is always one to load: what a build of the same sources puts there is the same. Programs
 * follow what they import, and what none of them needs any more goes last.
 * @param {string} place
 * @param {string} fresh
 */
function replace(place, fresh) {
  rmSync(join(place, manifest), { force: true });
  const files = filesBelow(fresh, ".");
  const programs = ["main.js", "oauth-token-service.js", manifest];
  for (const file of files.toSorted((a, b) => programs.indexOf(a) - programs.indexOf(b))) {
    mkdirSync(dirname(join(place, file)), { recursive: true });
    renameSync(join(fresh, file), join(place, file));
  }
  for (const file of filesBelow(place, ".")) if (!files.includes(file)) rmSync(join(place, file), { force: true });
}

/**
 * @param {string} folder
 */
function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} root
 */
function fingerprint(root) {
  const hash = createHash("sha256");
  for (const input of inputs) {
    for (const path of filesBelow(root, input))
      hash
        .update(`${path}\0`)
        .update(readFileSync(join(root, path)))
        .update("\0");
  }
  return hash.digest("hex");
}

/**
 * @param {string} root
 * @param {string} input
 */
function filesBelow(root, input) {
  const folder = join(root, input);
  if (/\.\w+$/.test(input)) return [input];
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(root, join(parentPath, name)).split(sep).join("/")).sort();
}

/**
 * As npm says of what it put there: the lockfile is what should be.
 * @param {string} root
 * @returns {Record<string, { readonly version?: string } | undefined>}
 */
function installedVersions(root) {
  const found = readJson(join(root, "node_modules", ".package-lock.json")) ?? readJson(join(root, "package-lock.json"));
  return found?.packages ?? {};
}

/**
 * @param {string} path
 */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
