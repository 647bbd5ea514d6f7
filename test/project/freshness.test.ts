import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { ensureBuilt, isCurrent } from "../../bin/built.js";
import { root } from "../../scripts/run-tool.ts";

/** Stands in for the bundler: says which packages are inside, and keeps what it was built of. */
const script = `
  import { mkdirSync, readFileSync, writeFileSync, appendFileSync } from "node:fs";
  const [, , out] = process.argv;
  const source = readFileSync("src/main.ts", "utf8");
  if (source.includes("broken")) process.exit(1);
  mkdirSync(out);
  writeFileSync(out + "/main.js", "console.log(" + JSON.stringify(source) + ");");
  writeFileSync(out + "/packages.json", JSON.stringify(["node_modules/express"]));
  appendFileSync("builds", "x");
  console.log("words of the bundler");
`;

/** A checkout with one source file and one package. */
async function checkout() {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-checkout-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const install = (version: string) =>
    write("node_modules/.package-lock.json", JSON.stringify({ packages: { "node_modules/express": { version } } }));
  await cp(join(root, "bin"), join(folder, "bin"), { recursive: true });
  await write("package.json", `{"type":"module"}`);
  await write("tsconfig.json", "{}");
  await write("scripts/build/build.ts", script);
  await write("gen/some.js", "");
  await write("rig/embedded-image.ts", "");
  await write("src/main.ts", "first");
  await write("node_modules/rolldown/package.json", "{}");
  await install("1.0.0");
  const start = (uid?: number) =>
    promisify(execFile)(process.execPath, [join(folder, "bin/start.js")], {
      cwd: folder,
      ...(uid === undefined ? {} : { uid }),
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
  const builds = async () => (await readFile(join(folder, "builds"), "utf8")).length;
  return { folder, write, install, start, builds };
}

test("a start builds what was not built, once, and prints nothing of its own", async () => {
  const { folder, start, builds } = await checkout();
  const first = await start();
  expect(first).toMatchObject({ code: 0, stdout: "first\n" });
  expect(first.stderr).toContain("building dist/");
  expect(await start()).toEqual({ code: 0, stdout: "first\n", stderr: "" });
  expect(await builds()).toBe(1);
  expect((await readdir(folder)).filter((name) => name.includes("dist"))).toEqual(["dist"]);
});

test.each([
  ["a file is changed", ({ write }) => write("src/main.ts", "second")],
  ["a file is added", ({ write }) => write("src/domain/another.ts", "")],
  [
    "a file is renamed",
    async ({ folder }) => {
      await cp(join(folder, "src/main.ts"), join(folder, "src/renamed.ts"));
      await rm(join(folder, "gen/some.js"));
    },
  ],
  ["a package that is inside is another one", ({ install }) => install("1.0.1")],
  ["how it is built is changed", ({ write }) => write("scripts/build/other.ts", "")],
  ["a build was not finished", ({ folder }) => rm(join(folder, "dist/built.json"))],
] satisfies [string, (tree: Awaited<ReturnType<typeof checkout>>) => Promise<void>][])(
  "a start builds anew when %s",
  async (_, change) => {
    const tree = await checkout();
    ensureBuilt(tree.folder);
    expect(isCurrent(tree.folder)).toBe(true);
    await change(tree);
    expect(isCurrent(tree.folder)).toBe(false);
    ensureBuilt(tree.folder);
    expect(isCurrent(tree.folder)).toBe(true);
  },
);

test("without what builds it, a start says what to do, and runs nothing older", async () => {
  const { folder, write, start } = await checkout();
  await start();
  await rm(join(folder, "node_modules/rolldown"), { recursive: true });
  // As after npm prune: what was built of these sources is run.
  expect(await start()).toEqual({ code: 0, stdout: "first\n", stderr: "" });
  await write("src/main.ts", "second");
  const { code, stdout, stderr } = await start();
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(
    /^dist\/ is not built of these sources.*run npm ci \(without --omit=dev\) and npm run build.*\n$/,
  );
});

test("where nothing can be written, a start runs what was built of these sources, and says so of other ones", async () => {
  const { folder, write, start } = await checkout();
  // Root may write everywhere.
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;
  await start();
  await write("scripts/build/build.ts", "throw new Error('not run')");
  await chmod(folder, 0o555);
  const { code, stderr } = await start(uid);
  await chmod(folder, 0o755);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `dist/ is not built of these sources, and ${folder}/ cannot be written to: run npm run build as who owns it\n`,
  });
  await write("scripts/build/build.ts", script);
  await chmod(folder, 0o555);
  const built = await start(uid);
  await chmod(folder, 0o755);
  expect(built).toEqual({ code: 0, stdout: "first\n", stderr: "" });
});

test("a build that fails leaves what was there, and starts nothing", async () => {
  const { folder, write, start } = await checkout();
  await start();
  await write("src/main.ts", "broken");
  expect(await start()).toMatchObject({ code: 1, stdout: "" });
  expect(await readFile(join(folder, "dist/main.js"), "utf8")).toContain("first");
  expect((await readdir(folder)).filter((name) => name.includes("dist"))).toEqual(["dist"]);
});

test("where there are no sources, what is there is run", async () => {
  const { folder, start } = await checkout();
  await start();
  for (const path of ["src", "scripts", "node_modules"]) await rm(join(folder, path), { recursive: true });
  expect(await start()).toEqual({ code: 0, stdout: "first\n", stderr: "" });
});

test("two starts at once both run what the sources are", async () => {
  const { start } = await checkout();
  const outcomes = await Promise.all([start(), start(), start()]);
  expect(outcomes.map(({ code, stdout }) => ({ code, stdout }))).toEqual(Array(3).fill({ code: 0, stdout: "first\n" }));
});
