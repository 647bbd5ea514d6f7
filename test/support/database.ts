import { createHash, randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { inject } from "vitest";
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

/** A data directory of its own, copied from one that is made once per schema, since making one takes seconds. */
export async function createTestDirectory({ empty = false } = {}): Promise<TestDirectory> {
  const directory = await mkdtemp(join(tmpdir(), "oauth-token-service-embedded-"));
  if (!empty) await cp(await embeddedTemplate(), directory, { recursive: true });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** Complete or absent: it is made beside its place and moved there. Two that make it at once do no harm. */
async function embeddedTemplate(): Promise<string> {
  const cache = fileURLToPath(new URL("../../node_modules/.cache/oauth-token-service/", import.meta.url));
  const template = join(cache, `embedded-${await embeddedVersion()}`);
  const exists = () =>
    readdir(template).then(
      () => true,
      () => false,
    );
  if (await exists()) return template;
  await mkdir(cache, { recursive: true });
  const making = await mkdtemp(join(cache, "making-"));
  const silent = () => undefined;
  const storage = await openEmbedded({
    directory: making,
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
  await rename(making, template).catch(async (error: unknown) => {
    await rm(making, { recursive: true, force: true });
    if (!(await exists())) throw error;
  });
  await removeOld(cache);
  return template;
}

/** What earlier schemas and killed runs left. An hour old, nobody copies it any more. */
async function removeOld(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const made = await stat(path).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true });
  }
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
