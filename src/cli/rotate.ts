import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Closers, createClosers } from "../closers.ts";
import { loadSealingConfig } from "../config/load-config.ts";
import { ServiceError } from "../errors.ts";
import type { Secret } from "../secret.ts";
import { lockDataDirectory } from "../storage/data-directory.ts";
import { readOrCreateKey } from "../storage/data-directory-key.ts";
import type { Database } from "../storage/database.ts";
import { errorCode } from "../storage/database-failure.ts";
import { openEmbeddedDatabase } from "../storage/embedded.ts";
import { parsePostgresUrl } from "../storage/postgres-url.ts";
import { reseal } from "../storage/reseal.ts";
import { openForReseal } from "../storage/reseal-postgres.ts";
import type { ResealProgress } from "../storage/reseal-tally.ts";
import { parseKeyRing } from "../storage/seal/key-ring.ts";
import { createSealer, type Sealer } from "../storage/seal/sealer.ts";
import { type Command, type CommandWorld, notUnderstood } from "./command.ts";

/**
 * `rotate`: seals everything stored with the first key of TOKEN_ENCRYPTION_KEY and with TOKEN_CIPHER, beside a running
 * service on Postgres, instead of one on the embedded database. One JSON line per batch on standard output.
 */
export const rotateCommand: Command = async (args, world) => {
  if (args.length > 0) return notUnderstood;
  const closers = createClosers();
  try {
    return await rotate(await open(world, closers), world);
  } finally {
    await closers.close();
  }
};

interface Opened {
  readonly database: Database;
  readonly sealer: Sealer;
}

async function open(world: CommandWorld, closers: Closers): Promise<Opened> {
  const { now, random } = world;
  const { database, encryption } = loadSealingConfig(world.env, world.readFile);
  const sealing = (keys: Secret) => createSealer({ keys: parseKeyRing(keys), cipher: encryption.cipher, now, random });

  if (database.kind === "postgres") {
    if (encryption.keys === undefined) throw new Error("TOKEN_ENCRYPTION_KEY is required with Postgres");
    const sealer = sealing(encryption.keys);
    const setting = database.directUrl === undefined ? "DATABASE_URL" : "DATABASE_DIRECT_URL";
    const target = parsePostgresUrl(setting, database.directUrl ?? database.url);
    const place = `the database ${target.database} on ${target.host}:${target.port}`;
    const opened = await openForReseal(target, random).catch((error: unknown) => {
      throw new Error(`${place} cannot be used: ${reasonOf(error)}`, { cause: error });
    });
    closers.add("database", opened.close);
    return { database: opened.database, sealer };
  }

  const directory = database.dataDir;
  const path = join(directory, "db");
  if (!existsSync(path)) throw new Error(`there is no database in ${directory}: set DATA_DIR, or DATABASE_URL`);
  const lock = await lockDataDirectory(directory, { now, random });
  closers.add("data directory", () => lock.release());
  const sealer = sealing(encryption.keys ?? (await readOrCreateKey(directory, random)));
  const opened = await openEmbeddedDatabase(path);
  closers.add("database", opened.close);
  return { database: opened.database, sealer };
}

async function rotate({ database, sealer }: Opened, { now, print, complain }: CommandWorld): Promise<number> {
  const line = (event: string, fields: object) => print(JSON.stringify({ event, ...fields }));
  const startedAt = now();
  let resealed = 0;
  let end: ResealProgress;
  try {
    end = await reseal({
      database,
      sealer,
      onUnreadable: (row) => line("rotate.unreadable", row),
      onBatch(progress) {
        resealed = progress.resealed;
        line("rotate.batch", shown(progress));
      },
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new Error(`stopped after ${resealed} rows, run it again to go on: ${reasonOf(error)}`, { cause: error });
  }
  const seconds = (now().getTime() - startedAt.getTime()) / 1000;
  const rowsPerSecond = Math.round(end.resealed / Math.max(seconds, 0.001));
  line("rotate.done", { ...shown(end), seconds, rowsPerSecond });
  for (const problem of problemsOf(end)) complain(problem);
  return problemsOf(end).length === 0 ? 0 : 1;
}

function shown({ rowsByKey, ...figures }: ResealProgress) {
  return { ...figures, rowsByKey: Object.fromEntries(rowsByKey) };
}

function problemsOf({ unreadable, left }: ResealProgress): readonly string[] {
  const others = left - unreadable;
  const closed =
    `${rows(unreadable)} cannot be opened and stayed as before: add the keys with the ids named above to ` +
    "TOKEN_ENCRYPTION_KEY, not in the first place, and run it again; or connect these installations again";
  const foreign =
    `${rows(others)} came under another key or cipher meanwhile: give every replica this TOKEN_ENCRYPTION_KEY and ` +
    "TOKEN_CIPHER, and run it again";
  return [...(unreadable > 0 ? [closed] : []), ...(others > 0 ? [foreign] : [])];
}

function rows(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = errorCode(cause);
  if (code === "42P01" || code === "42703")
    return "it is not migrated for this version: run oauth-token-service migrate";
  const message = error instanceof Error ? error.message : "no answer";
  // The driver's own words for what was refused hold no values.
  return error instanceof ServiceError && code !== undefined ? `${message} (${code})` : message;
}
