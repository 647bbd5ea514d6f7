import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createClock } from "../world/clock.ts";
import { runCommand } from "./run-command.ts";

const clock = createClock();
process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  readFile: (path) => readFileSync(path, "utf8"),
  now: clock.now,
  clock,
  random: randomBytes,
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
