import { spawn } from "node:child_process";
import type { Child, Ended } from "./child.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Starts a program with our own standard input, output and error. No shell: what is typed is what it gets. */
export function startChild([program, ...args]: readonly [string, ...string[]], env: Environment): Child {
  const child = spawn(program, args, { stdio: "inherit", env: { ...env } });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "exited", code: code ?? 1 } : { kind: "signalled", signal }),
    );
  });
  return { ended, signal: (signal) => void child.kill(signal) };
}
