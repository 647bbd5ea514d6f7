#!/usr/bin/env node
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { createClock } from "../world/clock.ts";
import { sourceNames } from "../world/stack-traces.ts";
import { runCommand } from "./run-command.ts";

/** Whether something that was printed did not arrive. Who stops reading, as `head` does, has what they wanted. */
let lost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") return;
    lost = true;
    process.exitCode = 1;
  });
}

// The process ends by itself, once all of it is written.
const clock = createClock();
const code = await runCommand(process.argv.slice(2), {
  env: process.env,
  readFile: (path) => readFileSync(path, "utf8"),
  now: clock.now,
  clock,
  random: randomBytes,
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
}).catch((bug: unknown) => {
  process.stderr.write(`${sourceNames(import.meta.url)(inspect(bug))}\n`);
  process.exit(1);
});
process.exitCode = lost ? 1 : code;
