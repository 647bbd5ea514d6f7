import { constants } from "node:os";
import { Failure } from "../failure.ts";
import type { Output } from "../output.ts";
import type { Session } from "../session.ts";
import type { PassedOn } from "./child.ts";

/** What a terminal sends to everything that runs in its foreground, the program too. */
const fromTerminal: ReadonlySet<PassedOn> = new Set(["SIGINT", "SIGQUIT"]);

/**
 * Runs a program in our place: signals are passed on to it, and its exit code is ours (128 and the number of the signal
 * that ended it, 127 and 126 where there is no such program, or none that runs: as shells have it).
 * @throws Failure if it could not be started for another reason.
 */
export async function runChild(
  { world, output }: Pick<Session, "world" | "output">,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  world.interrupt.throwIfAborted();
  const child = world.start(command, { ...world.env, ...env });
  const giveBack = world.takeSignals((signal) => {
    if (world.hasTerminal && fromTerminal.has(signal)) return;
    child.signal(signal);
  });
  try {
    const ended = await child.ended;
    return ended.kind === "exited" ? ended.code : 128 + constants.signals[ended.signal];
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "ENOENT") return told(output, `${command[0]} is not there`, 127);
    if (code === "EACCES") return told(output, `${command[0]} may not be run`, 126);
    throw new Failure("failed", "NOT_STARTED", `${command[0]} could not be started (${code})`);
  } finally {
    giveBack();
  }
}

function told(output: Output, message: string, code: number): number {
  output.failure("NOT_STARTED", message);
  return code;
}
