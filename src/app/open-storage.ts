import type { Closers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { openBackupDoor } from "../storage/embedded/backup/door.ts";
import { inDataDirectory } from "../storage/embedded/directory-failure.ts";
import { readOrCreateKey } from "../storage/embedded/directory-key.ts";
import { lockDataDirectory } from "../storage/embedded/directory-lock.ts";
import { findFileSystemGap } from "../storage/embedded/file-system.ts";
import { openPostgres } from "../storage/postgres/open.ts";
import { type KeyRing, parseKeyRing } from "../storage/seal/key-ring.ts";
import { createSealer } from "../storage/seal/sealer.ts";
import type { Storage } from "../storage/storage.ts";
import type { Log, World } from "../world.ts";

export interface OpenedStorage {
  readonly storage: Storage;
  readonly keys: KeyRing;
}

/**
 * Opens the configured database with the configured keys; embedded, it locks the data directory first. From here on the
 * world's clock follows the database's. `signal` ends the wait for a Postgres.
 */
export async function openStorage(
  config: Config,
  world: World,
  closers: Closers,
  signal?: AbortSignal,
): Promise<OpenedStorage> {
  const opened = await open(config, world, closers, signal);
  await world.clock?.follow(opened.storage.readTimeMs, world.log);
  return opened;
}

async function open(
  config: Config,
  world: World,
  closers: Closers,
  signal: AbortSignal | undefined,
): Promise<OpenedStorage> {
  const { database, encryption } = config;
  const { now, random, log } = world;
  if (database.kind === "postgres") {
    if (encryption.keys === undefined) throw new Error("TOKEN_ENCRYPTION_KEY is required with Postgres");
    const keys = parseKeyRing(encryption.keys);
    const { target, direct, mayLoseCommits } = database;
    const sealer = createSealer({ keys, cipher: encryption.cipher, now, random });
    const storage = await openPostgres({ target, direct, sealer, now, random, log, signal });
    closers.add("database", () => storage.close());
    requireDurability(await storage.findDurabilityGap(), mayLoseCommits, log);
    return { storage, keys };
  }

  const directory = database.dataDir;
  return inDataDirectory(directory, () => openIn(directory, config, world, closers));
}

async function openIn(
  directory: string,
  { encryption }: Config,
  { now, random, log }: World,
  closers: Closers,
): Promise<OpenedStorage> {
  const lock = await lockDataDirectory(directory, now);
  closers.add("data directory", () => lock.release());
  const keys = parseKeyRing(encryption.keys ?? (await readOrCreateKey(directory, random)));
  const gap = await findFileSystemGap(directory);
  log[gap === undefined ? "info" : "warn"]({ directory, ...gap }, "database.embedded");
  const sealer = createSealer({ keys, cipher: encryption.cipher, now, random });
  // Not loaded for nothing where there is a Postgres.
  const { openEmbedded } = await import("../storage/embedded/open.ts");
  const storage = await openEmbedded({ directory, sealer, now, random, log });
  closers.add("database", () => storage.close());
  const copy = () => storage.copy(encryption.keys === undefined);
  const door = await openBackupDoor({ directory, copy, log });
  closers.add("backups", () => door.close());
  return { storage, keys };
}

function requireDurability(gap: string | undefined, mayLoseCommits: boolean, log: Log): void {
  if (gap === undefined) return;
  if (!mayLoseCommits) {
    throw new Error(
      `the database ${gap}: a crash may lose tokens that were rotated and rows of the record that callers rely on; ` +
        "change that there, or set DATABASE_MAY_LOSE_COMMITS=1 where nothing is worth keeping",
    );
  }
  log.warn({ gap }, "database.may_lose_commits");
}
