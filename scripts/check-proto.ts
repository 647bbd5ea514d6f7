import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateBrowserScripts } from "./browser-scripts.ts";
import { readTool, root, runTool } from "./run-tool.ts";

/** Compares proto/ with the last commit on main; where the two are the same, that commit with the one before it. */
export async function checkBreaking(): Promise<boolean> {
  const before = await commitBefore();
  if (before === undefined) {
    console.log("skipped: there is no earlier commit that has proto/");
    return true;
  }
  return inTemporaryFolder(async (folder) => {
    const archive = join(folder, "proto.tar");
    await mkdir(join(folder, "before"));
    const unpacked =
      (await runTool("git", ["archive", "--output", archive, before, "proto"])) &&
      (await runTool("tar", ["-xf", archive, "-C", join(folder, "before")]));
    if (!unpacked) return false;
    await cp(join(root, "buf.yaml"), join(folder, "before", "buf.yaml"));
    console.log(`against ${before}`);
    return runTool("buf", ["breaking", "--against", join(folder, "before")]);
  });
}

/** Generates into another folder and compares that with gen/, file by file. */
export function checkGenerated(): Promise<boolean> {
  return inTemporaryFolder(async (folder) => {
    if (!(await runTool("buf", ["generate", "--output", folder]))) return false;
    await generateBrowserScripts(folder);
    const [fresh, kept] = await Promise.all([filesBelow(join(folder, "gen")), filesBelow(join(root, "gen"))]);
    const stale = [...new Set([...fresh.keys(), ...kept.keys()])].filter((path) => fresh.get(path) !== kept.get(path));
    for (const path of stale) console.log(`gen/${path} is not what its sources say`);
    if (stale.length > 0) console.log("run npm run generate");
    return stale.length === 0;
  });
}

async function commitBefore(): Promise<string | undefined> {
  for (const name of ["main", "origin/main"]) {
    const commit = await readTool("git", ["rev-parse", "--verify", `${name}^{commit}`]);
    if (commit === undefined || !(await hasProto(commit))) continue;
    const unchanged = await runTool("git", ["diff", "--quiet", commit, "--", "proto"], { quiet: true });
    const parent = unchanged ? await readTool("git", ["rev-parse", "--verify", `${commit}~1^{commit}`]) : undefined;
    return parent !== undefined && (await hasProto(parent)) ? parent : commit;
  }
  return undefined;
}

function hasProto(commit: string): Promise<boolean> {
  return runTool("git", ["cat-file", "-e", `${commit}:proto`], { quiet: true });
}

async function filesBelow(folder: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path.slice(folder.length + 1), await readFile(path, "utf8"));
  }
  return found;
}

async function inTemporaryFolder(work: (folder: string) => Promise<boolean>): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-check-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
