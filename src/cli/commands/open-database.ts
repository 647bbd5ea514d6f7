import type { Closers } from "../../closers.ts";
import { loadSealingConfig } from "../../config/load-parts.ts";
import { ServiceError } from "../../errors.ts";
import { addressOf } from "../../postgres-target.ts";
import type { Secret } from "../../secret.ts";
import type { Database } from "../../storage/database.ts";
import { readDatabaseMs } from "../../storage/database-clock.ts";
import { errorCode } from "../../storage/database-failure.ts";
import { inDataDirectory } from "../../storage/embedded/directory-failure.ts";
import { readOrCreateKey } from "../../storage/embedded/directory-key.ts";
import { lockDataDirectory } from "../../storage/embedded/directory-lock.ts";
import { startFailure } from "../../storage/postgres/start-failure.ts";
import { openForReseal } from "../../storage/resealing/postgres.ts";
import { parseKeyRing } from "../../storage/seal/key-ring.ts";
import { createSealer, type Sealer } from "../../storage/seal/sealer.ts";
import type { CommandWorld } from "../command.ts";
import { complaining } from "./complaining.ts";
import { existingDatabase } from "./existing-database.ts";

/** What a command works on beside, or instead of, a running service. */
export interface OpenedDatabase {
  readonly database: Database;
  readonly sealer: Sealer;
}

/**
 * Opens the configured database with the configured keys and migrates nothing: Postgres with a few connections of its
 * own, the embedded one only while no service holds its directory. The world's clock follows it from here on.
 * @throws Error that says what to do.
 */
export async function openDatabase(world: CommandWorld, closers: Closers): Promise<OpenedDatabase> {
  const opened = await open(world, closers);
  await world.clock?.follow(() => readDatabaseMs(opened.database), complaining(world));
  return opened;
}

async function open(world: CommandWorld, closers: Closers): Promise<OpenedDatabase> {
  const { now, random } = world;
  const { database, encryption } = loadSealingConfig(world.env, world.readFile);
  const sealing = (keys: Secret) => createSealer({ keys: parseKeyRing(keys), cipher: encryption.cipher, now, random });

  if (database.kind === "postgres") {
    if (encryption.keys === undefined) throw new Error("TOKEN_ENCRYPTION_KEY is required with Postgres");
    const sealer = sealing(encryption.keys);
    const target = database.direct ?? database.target;
    const place = `the database ${target.database} on ${addressOf(target)}`;
    const opened = await openForReseal(target, random).catch((error: unknown) => {
      if (error instanceof ServiceError) throw startFailure(target, error.cause);
      throw new Error(`${place} cannot be used: ${reasonOf(error)}`, { cause: error });
    });
    closers.add("database", opened.close);
    return { database: opened.database, sealer };
  }

  const directory = database.dataDir;
  const path = existingDatabase(directory);
  return inDataDirectory(directory, async () => {
    const lock = await lockDataDirectory(directory, now);
    closers.add("data directory", () => lock.release());
    const sealer = sealing(encryption.keys ?? (await readOrCreateKey(directory, random)));
    const { openEmbeddedDatabase } = await import("../../storage/embedded/open.ts");
    const opened = await openEmbeddedDatabase(path);
    closers.add("database", opened.close);
    return { database: opened.database, sealer };
  });
}

/** Why the database refused, for the operator. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = errorCode(cause);
  if (code === "42P01" || code === "42703")
    return "it is not migrated for this version: run oauth-token-service migrate";
  const message = error instanceof Error ? error.message : "no answer";
  // The driver's own words for what was refused hold no values.
  return error instanceof ServiceError && code !== undefined ? `${message} (${code})` : message;
}
