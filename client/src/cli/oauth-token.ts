#!/usr/bin/env node
import { answerKeyringRequest } from "./accounts/keyring-process.ts";
import { Interrupted } from "./failure.ts";
import { keyringWord, processWorld } from "./process-world.ts";
import { run } from "./program.ts";

/** Whether something that was printed did not arrive. Who stops reading, as `head` does, has what they wanted. */
let lost = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") return;
    lost = true;
    process.exitCode = 1;
  });
}

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    const stopped = new Interrupted(signal);
    // Who asks twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(stopped.exitCode);
    interrupt.abort(stopped);
  });
}

const world = processWorld(interrupt.signal);
const args = process.argv.slice(2);
// The process ends by itself, once all of it is written.
const code = args[0] === keyringWord ? await serveKeyring() : await run(args, world);
process.exitCode = lost ? 1 : code;

async function serveKeyring(): Promise<number> {
  world.write(JSON.stringify(await answerKeyringRequest(await world.readInput())));
  return 0;
}
