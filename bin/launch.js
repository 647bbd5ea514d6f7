// @ts-check
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBuilt } from "./built.js";

// JavaScript that any Node reads, so that one too old for the service can hand over to the pinned one, or say what it lacks.

/**
 * Runs a program of dist/ in this process, built of the sources as they are.
 * @param {string} program
 */
export async function launch(program) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  if (Number.parseInt(process.versions.node, 10) < 24) {
    const pinned = join(root, "node_modules", ".bin", "node");
    if (!existsSync(pinned)) {
      return fail(
        `oauth-token-service needs Node 24 or newer, and this is ${process.version}: install it, or run npm ci`,
      );
    }
    const child = spawnSync(pinned, ["--disable-sigusr1", ...process.argv.slice(1)], {
      stdio: "inherit",
    });
    process.exitCode = child.status ?? 1;
    return;
  }
  try {
    ensureBuilt(root);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  await import(new URL(`../dist/${program}.js`, import.meta.url).href);
}

/**
 * @param {string} why
 */
function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
}
