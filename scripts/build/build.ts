import { chmod, cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeEmbeddedImage } from "../../rig/embedded-image.ts";
import { builtImage } from "../../src/storage/embedded/image.ts";
import { root } from "../run-tool.ts";
import { bundle } from "./bundle.ts";
import { bundledLicences } from "./bundled-licences.ts";

/** The programs of the service. */
export const programs: Readonly<Record<string, string>> = {
  main: "src/main.ts",
  "oauth-token-service": "src/cli/oauth-token-service.ts",
};

/** What the embedded database looks for beside its module. */
const pglite = ["pglite.wasm", "pglite.data", "initdb.wasm"];

/**
 * Builds into a folder all that running the service takes beside Node: the programs, and `others` by name and path, with
 * their source maps, the migrations, the embedded database and the licences. What is in the folder before is gone.
 */
export async function build(out: string, others: Readonly<Record<string, string>> = {}): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const packages = await bundle({ ...programs, ...others }, out);
  // It may be called by its name.
  await chmod(join(out, "oauth-token-service.js"), 0o755);
  await cp(join(root, "src/storage/migrations"), join(out, "migrations"), { recursive: true });
  for (const file of pglite) await cp(join(root, "node_modules/@electric-sql/pglite/dist", file), join(out, file));
  await cp(await makeEmbeddedImage(), join(out, builtImage));
  await writeFile(join(out, "LICENSES.txt"), await bundledLicences(packages));
  await writeFile(join(out, "packages.json"), JSON.stringify(packages));
  // The chunks are modules, wherever the folder is taken to.
  await writeFile(join(out, "package.json"), JSON.stringify({ type: "module", private: true }));
}

if (import.meta.main) await build(resolve(process.argv[2] ?? join(root, "dist")));
