import { execFile } from "node:child_process";
import { chmod, cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { rolldown } from "rolldown";

/** What can be imported. */
const modules = Object.fromEntries(
  ["index", "web", "octokit", "slack", "connect", "testing"].map((name) => [name, `src/${name}.ts`]),
);
/** What can be run. */
const programs = { "oauth-token": "src/cli/oauth-token.ts" };

const root = import.meta.dirname;

/** Builds what `npm pack` packs: `dist`, and the licence. */
async function build(): Promise<void> {
  const out = join(root, "dist");
  await rm(out, { recursive: true, force: true });
  const bundle = await rolldown({
    cwd: root,
    input: { ...modules, ...programs },
    platform: "neutral",
    // What was generated from the contract comes along, packages do not.
    external: /^[^./]/,
  });
  await bundle.write({ dir: out, format: "esm", chunkFileNames: "[name]-[hash].js", comments: false, sourcemap: true });
  await bundle.close();
  for (const name of Object.keys(programs)) await chmod(join(out, `${name}.js`), 0o755);
  const compiler = join(root, "../node_modules/typescript/bin/tsc");
  for (const project of ["tsconfig.declarations.json", "tsconfig.browser-declarations.json"]) {
    await promisify(execFile)(process.execPath, [compiler, "-p", join(root, project)]);
  }
  await keepPublicDeclarations(out);
  await cp(join(root, "../LICENSE"), join(root, "LICENSE"));
}

/** What is not reached from an entry is nobody's business, and names types that are not in the package. */
async function keepPublicDeclarations(out: string): Promise<void> {
  const open = Object.keys(modules).map((name) => join(out, `${name}.d.ts`));
  const reached = new Set(open);
  for (const path of open) {
    const text = (await readFile(path, "utf8")).replace(/(from "\..*)\.ts"/g, '$1.js"');
    await writeFile(path, text);
    for (const [, specifier = ""] of text.matchAll(/from "(\.[^"]*)\.js"/g)) {
      const next = resolve(dirname(path), `${specifier}.d.ts`);
      if (!reached.has(next)) open.push(next);
      reached.add(next);
    }
  }
  for (const entry of await readdir(out, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path.endsWith(".d.ts") && !reached.has(path)) await rm(path);
  }
}

await build();
