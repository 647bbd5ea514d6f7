import { fileURLToPath } from "node:url";
import { spawn } from "@lydell/node-pty";
import { compileCache, quickly } from "../../../rig/quick-node.ts";

const program = fileURLToPath(new URL("../../../client/src/cli/oauth-token.ts", import.meta.url));

/** `oauth-token` at a real terminal, 80 by 24. */
export interface Terminal {
  /** All that it showed so far, with what steers the terminal. */
  output(): string;
  /** Resolves when it has shown this; fails if it ends without. */
  shows(text: string | RegExp): Promise<string>;
  type(keys: string): void;
  readonly ended: Promise<{ readonly exitCode: number; readonly signal?: number }>;
}

/** Starts the person's command line with this environment and nothing else. */
export function atTerminal(args: readonly string[], env: Readonly<Record<string, string>>): Terminal {
  const terminal = spawn(process.execPath, [...quickly, program, ...args], {
    name: "xterm-256color",
    env: { PATH: process.env.PATH, TERM: "xterm-256color", OAUTH_TOKEN_KEYRING: "off", ...compileCache, ...env },
  });
  let shown = "";
  const listeners = new Set<() => void>();
  terminal.onData((text) => {
    shown += text;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<{ exitCode: number; signal?: number }>((resolve) => terminal.onExit(resolve));
  return {
    output: () => shown,
    ended,
    type: (keys) => terminal.write(keys),
    shows: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (typeof text === "string" ? shown.includes(text) : text.test(shown)) resolve(shown);
        };
        listeners.add(look);
        look();
        ended.then(() => reject(new Error(`it ended without ${text}:\n${shown}`)), reject);
      }),
  };
}
