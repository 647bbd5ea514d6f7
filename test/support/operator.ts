import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { compileCache, quickly } from "../../rig/quick-node.ts";

/** How a command of the operator ended. */
export interface Outcome {
  /** -1 if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Settings = Readonly<Record<string, string>>;

const program = fileURLToPath(new URL("../../src/cli/oauth-token-service.ts", import.meta.url));

/** Starts the command as an operator would, with these settings and no others. */
export function startOperator(
  args: readonly string[],
  env: Settings = {},
  stdio: StdioOptions = ["ignore", "pipe", "pipe"],
): ChildProcess {
  return spawn(process.execPath, [...quickly, program, ...args], { env: { ...compileCache, ...env }, stdio });
}

/** Runs it to its end. `hear` is told of complaints as they come. */
export async function runOperator(
  args: readonly string[],
  env: Settings = {},
  hear: (complaint: string) => void = () => undefined,
): Promise<Outcome> {
  const child = startOperator(args, env);
  child.stderr?.on("data", (complaint: Buffer) => hear(complaint.toString()));
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  const [stdout, stderr] = await Promise.all(
    [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : "")),
  );
  return { code: await ended, stdout: stdout ?? "", stderr: stderr ?? "" };
}
