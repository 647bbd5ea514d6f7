import { randomBytes } from "node:crypto";
import { createClock, type TestClock } from "../../rig/clock.ts";
import { Secret } from "../../src/secret.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer, type Sealer } from "../../src/storage/seal/sealer.ts";
import type { Storage, StorageTools } from "../../src/storage/storage.ts";
import type { Log } from "../../src/world.ts";

/** A database with its repositories, and a way around them. */
export interface OpenedStorage {
  readonly storage: Storage;
  readonly clock: TestClock;
  /** Runs SQL beside the repositories. */
  raw(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

export const silentLog: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export function createTestSealer(): Sealer {
  return createSealer({
    keys: parseKeyRing(new Secret(randomBytes(32).toString("base64url"))),
    cipher: "fernet",
    now: () => new Date(),
    random: randomBytes,
  });
}

export function createTools(clock: TestClock = createClock()): StorageTools {
  return { sealer: createTestSealer(), now: clock.now, random: randomBytes };
}
