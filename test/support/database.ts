import { createHash, randomBytes } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { inject } from "vitest";
import { cache, makeOnce } from "../../rig/made-once.ts";
import { Secret } from "../../src/secret.ts";
import { openEmbedded } from "../../src/storage/embedded/open.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../src/storage/seal/sealer.ts";

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A database of its own on the run's Postgres server: migrated, or with `empty` as Postgres makes it. */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  const template = empty ? "template0" : inject("databaseTemplate");
  await onServer(async (sql) => {
    await sql`select pg_advisory_lock(hashtext('test template'))`;
    await sql.unsafe(`create database ${name} template ${template}`);
  });
  const url = new URL(inject("databaseServerUrl"));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => onServer(async (sql) => void (await sql.unsafe(`drop database if exists ${name} with (force)`))),
  };
}

export interface TestDirectory {
  /** A `DATA_DIR` with an embedded database that is migrated and empty. */
  readonly directory: string;
  remove(): Promise<void>;
}

/** A data directory of its own: copied from one that is made once per schema, or with `empty` for a first start. */
export async function createTestDirectory({ empty = false } = {}): Promise<TestDirectory> {
  const directory = await mkdtemp(join(tmpdir(), "oauth-token-service-embedded-"));
  if (!empty) await cp(await embeddedTemplate(), directory, { recursive: true });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** One for each schema and PGlite. */
async function embeddedTemplate(): Promise<string> {
  return makeOnce(join(cache, "embedded", await embeddedVersion()), async (directory) => {
    const silent = () => undefined;
    const storage = await openEmbedded({
      directory,
      sealer: createSealer({
        keys: parseKeyRing(new Secret(Buffer.alloc(32).toString("base64url"))),
        cipher: "fernet",
        now: () => new Date(),
        random: randomBytes,
      }),
      now: () => new Date(),
      random: randomBytes,
      log: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    });
    await storage.close();
  });
}

async function embeddedVersion(): Promise<string> {
  const hash = createHash("sha256");
  const migrations = fileURLToPath(new URL("../../src/storage/migrations/", import.meta.url));
  for (const file of (await readdir(migrations, { recursive: true })).sort()) {
    if (/\.(sql|json)$/.test(file)) hash.update(await readFile(join(migrations, file)));
  }
  const pglite = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite"));
  hash.update(await readFile(join(pglite, "..", "package.json")));
  return hash.digest("hex").slice(0, 16);
}

async function onServer(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(inject("databaseServerUrl"), { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
