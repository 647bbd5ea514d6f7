#!/usr/bin/env node
// JavaScript that any Node reads, so that one too old for src/ can hand over to the pinned one, or say what it lacks.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const pinned = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= 24) {
  await import("../src/cli/oauth-token-service.ts");
} else if (existsSync(pinned)) {
  const child = spawnSync(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exitCode = child.status ?? 1;
} else {
  console.error(
    `oauth-token-service needs Node 24 or newer, and this is ${process.version}: install it, or run npm ci`,
  );
  process.exitCode = 1;
}
