import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "../../../client/src/cli/child/start-child.ts";
import { run } from "../../../client/src/cli/program.ts";
import type { CliWorld } from "../../../client/src/cli/world.ts";

/** What a command said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Somebody at a terminal of this process, with a home of their own and a clock that moves when it is waited for. */
export interface Person {
  readonly home: string;
  /** Where the accounts lie. */
  readonly folder: string;
  /** The addresses that a browser was asked to show. */
  readonly opened: readonly string[];
  /** How long was waited, in milliseconds, one for each wait. */
  readonly waits: readonly number[];
  run(...args: string[]): Promise<Said>;
  /** Files in the folder of accounts. */
  files(): readonly string[];
  end(): void;
}

export function createPerson(changes: Partial<CliWorld> & { readonly onWait?: (ms: number) => void } = {}): Person {
  const { onWait, ...given } = changes;
  const home = mkdtempSync(join(tmpdir(), "oauth-token-person-"));
  const folder = join(home, ".config/oauth-token/accounts");
  const opened: string[] = [];
  const waits: number[] = [];
  let waited = 0;
  return {
    ...{ home, folder, opened, waits },
    async run(...args) {
      const out: string[] = [];
      const err: string[] = [];
      const world: CliWorld = {
        env: {},
        platform: "linux",
        home,
        hostname: "workstation",
        fetch: globalThis.fetch,
        now: Date.now,
        monotonic: () => performance.now() + waited,
        async sleep(ms) {
          waited += ms;
          waits.push(ms);
          onWait?.(ms);
        },
        readInput: async () => "",
        write: (text) => void out.push(text),
        writeError: (text) => void err.push(text),
        errorIsTerminal: false,
        hasTerminal: false,
        interrupt: new AbortController().signal,
        takeSignals: () => () => undefined,
        start: startChild,
        openBrowser: (url) => void opened.push(url.href),
        keyring: undefined,
        ...given,
      };
      const code = await run(args, world);
      return { code, out: out.join(""), err: err.join("") };
    },
    files: () => readdirSync(folder),
    end: () => rmSync(home, { recursive: true, force: true }),
  };
}
