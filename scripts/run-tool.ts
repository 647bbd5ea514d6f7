import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const bin = fileURLToPath(new URL("../node_modules/.bin", import.meta.url));

export interface ToolOptions {
  /** Standard output is handed over instead of shown. */
  readonly output?: (chunk: Buffer) => void;
  readonly quiet?: boolean;
}

/** Runs one of the project's own tools, or a program of the system, at the root; true if it exits with 0. */
export function runTool(command: string, args: readonly string[], options: ToolOptions = {}): Promise<boolean> {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  const { output, quiet } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ["ignore", output === undefined ? (quiet ? "ignore" : "inherit") : "pipe", quiet ? "ignore" : "inherit"],
    });
    child.stdout?.on("data", (chunk: Buffer) => output?.(chunk));
    child.on("error", (error) => {
      if (!quiet) console.log(`${command} cannot be run: ${error.message}`);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
}

/** What a program prints, trimmed; undefined if it fails. */
export async function readTool(command: string, args: readonly string[]): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  const done = await runTool(command, args, { output: (chunk) => void chunks.push(chunk), quiet: true });
  return done ? Buffer.concat(chunks).toString("utf8").trim() : undefined;
}
