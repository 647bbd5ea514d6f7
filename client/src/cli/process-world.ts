import { existsSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as after } from "node:timers/promises";
import { createKeyring, type Keyring } from "./accounts/keyring.ts";
import type { Signals } from "./child/signals.ts";
import { startChild } from "./child/start-child.ts";
import { environmentFetch } from "./environment-fetch.ts";
import { openBrowser } from "./open-browser.ts";
import type { CliWorld } from "./world.ts";

/** The word that makes this program the keyring's process. */
export const keyringWord = "__keyring";

/** The world of a real process. */
export function processWorld({ interrupt, takeSignals }: Signals): CliWorld {
  const { env, platform } = process;
  return {
    ...{ env, platform, interrupt, takeSignals },
    start: startChild,
    home: home(),
    hostname: hostname(),
    fetch: environmentFetch(env),
    now: Date.now,
    monotonic: () => performance.now(),
    sleep: (ms, until) =>
      after(ms, undefined, {
        signal: until === undefined ? interrupt : AbortSignal.any([interrupt, until]),
      }).catch(() => undefined),
    readInput() {
      if (process.stdin.isTTY) process.stderr.write("Reading what is typed here, up to Ctrl-D\n");
      return text(addAbortSignal(interrupt, process.stdin)).catch(() => interrupted(interrupt));
    },
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
    errorIsTerminal: process.stderr.isTTY === true,
    hasTerminal: [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY === true),
    openBrowser: (url) => openBrowser({ env, platform }, url),
    keyring: hasKeyring(env, platform) ? ownKeyring(interrupt) : undefined,
  };
}

/** Input that ends because the person stops the command is none. */
function interrupted(interrupt: AbortSignal): string {
  interrupt.throwIfAborted();
  return "";
}

function ownKeyring(interrupt: AbortSignal): Keyring {
  return createKeyring([process.execPath, ...process.execArgv, process.argv[1] ?? "", keyringWord], { interrupt });
}

/** On Linux it is reached by the session's bus: without one, asking would only take time. */
function hasKeyring(env: CliWorld["env"], platform: NodeJS.Platform): boolean {
  if (env.OAUTH_TOKEN_KEYRING === "off") return false;
  if (platform === "darwin" || platform === "win32") return true;
  return (env.DBUS_SESSION_BUS_ADDRESS ?? "") !== "" || existsSync(`${env.XDG_RUNTIME_DIR ?? ""}/bus`);
}

/** A user without an entry among the system's has none. */
function home(): string {
  try {
    return homedir();
  } catch {
    return "";
  }
}
