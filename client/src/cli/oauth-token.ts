#!/usr/bin/env node
import { answerKeyringRequest } from "./accounts/keyring-process.ts";
import { listenToSignals } from "./child/signals.ts";
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

const world = processWorld(listenToSignals());
const args = process.argv.slice(2);
// The process ends by itself, once all of it is written.
const code = args[0] === keyringWord ? await serveKeyring() : await run(args, world);
process.exitCode = lost ? 1 : code;

async function serveKeyring(): Promise<number> {
  world.write(JSON.stringify(await answerKeyringRequest(await world.readInput())));
  return 0;
}
