import { spawn } from "node:child_process";

/** Long enough to type a password into what unlocks it. */
const longestMs = 10_000;

/** The keyring of the operating system. What it cannot do, or not in time, it did not do: nothing is thrown. */
export interface Keyring {
  /** Whether the secret is kept there now. */
  set(id: string, secret: string): Promise<boolean>;
  get(id: string): Promise<string | undefined>;
  remove(id: string): Promise<void>;
}

export type KeyringRequest =
  | { readonly kind: "set"; readonly id: string; readonly secret: string }
  | { readonly kind: "get" | "remove"; readonly id: string };

export interface KeyringAnswer {
  readonly done: boolean;
  readonly secret?: string | undefined;
}

/**
 * Asks the keyring from a process of its own: one that is locked may wait for a person for ever, in native code that
 * cannot be left. `command` reads a KeyringRequest from its input and writes a KeyringAnswer; the secret is in no argument.
 */
export function createKeyring(
  command: readonly [string, ...string[]],
  options: { readonly interrupt?: AbortSignal; readonly patienceMs?: number } = {},
): Keyring {
  const { interrupt, patienceMs = longestMs } = options;
  const patience = { timeout: patienceMs, ...(interrupt === undefined ? {} : { signal: interrupt }) };
  return {
    set: async (id, secret) => (await ask(command, { kind: "set", id, secret }, patience))?.done === true,
    get: async (id) => (await ask(command, { kind: "get", id }, patience))?.secret,
    remove: async (id) => void (await ask(command, { kind: "remove", id }, patience)),
  };
}

function ask(
  [program, ...args]: readonly [string, ...string[]],
  request: KeyringRequest,
  patience: { readonly timeout: number; readonly signal?: AbortSignal },
): Promise<KeyringAnswer | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...patience,
      stdio: ["pipe", "pipe", "ignore"],
      killSignal: "SIGKILL",
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    child.once("error", () => resolve(undefined));
    // It may end without having read.
    child.stdin.on("error", () => {});
    child.stdout.on("data", (chunk: Buffer) => void chunks.push(chunk));
    child.once("close", () => resolve(parseAnswer(Buffer.concat(chunks).toString("utf8"))));
    child.stdin.end(JSON.stringify(request));
  });
}

function parseAnswer(text: string): KeyringAnswer | undefined {
  try {
    const { done, secret } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return { done: done === true, secret: typeof secret === "string" ? secret : undefined };
  } catch {
    return undefined;
  }
}
