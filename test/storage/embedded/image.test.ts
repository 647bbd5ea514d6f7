import { copyFile, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { makeEmbeddedImage } from "../../../rig/embedded-image.ts";
import { openEmbeddedFiles } from "../../../src/storage/embedded/files.ts";
import { findImage, imageName } from "../../../src/storage/embedded/image.ts";
import { initialise } from "../../../src/storage/embedded/initialise.ts";
import { openEmbeddedDatabase } from "../../../src/storage/embedded/open.ts";
import { readMigrations } from "../../../src/storage/migrations.ts";
import { silentLog } from "../../contract/harness.ts";

let image: string;
beforeAll(async () => {
  image = await makeEmbeddedImage();
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "oauth-token-service-images-"));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** Makes a database's files; returns what was said about it. */
async function initialised(path: string, from?: string): Promise<readonly unknown[]> {
  const said: unknown[] = [];
  await mkdir(path);
  const log = { ...silentLog, info: (fields: object) => void said.push(fields) };
  await initialise(path, log, from === undefined ? undefined : async () => from);
  return said;
}

/** What a database is set to, who it knows, and what it consists of once it serves. */
async function describeDatabase(path: string) {
  const { client, close } = await openEmbeddedDatabase(path);
  const ask = async (text: string) => (await client.query<Record<string, unknown>>(text)).rows;
  const described = {
    // Those of its language are there once something has run in it.
    settings: await ask(`select name, setting, source from pg_settings where name not like 'plpgsql.%' order by name`),
    roles: await ask("select rolname, rolsuper, rolcanlogin, rolpassword from pg_authid order by rolname"),
    databases: await ask(`select datname, encoding, datlocprovider, datcollate, datctype, datacl, dattablespace
      from pg_database order by datname`),
    // Of tables that came later the numbers differ, and with them the names of those that keep their long values.
    system: await ask("select oid, relname, relacl from pg_class where oid < 16384 order by oid"),
    objects: await ask(`select relname, relkind, relacl, relowner, pg_get_indexdef(oid) as index from pg_class
      where oid >= 16384 and relnamespace = 'public'::regnamespace order by relname`),
    columns: await ask(`select relname, attname, attnum, format_type(atttypid, atttypmod), attnotnull,
      pg_get_expr(adbin, adrelid) from pg_attribute join pg_class on pg_class.oid = attrelid
      left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attnum > 0 and relnamespace = 'public'::regnamespace order by relname, attnum`),
    constraints: await ask("select conname, pg_get_constraintdef(oid) from pg_constraint order by 1, 2"),
    functions: await ask("select proname, prosrc, proacl from pg_proc where oid >= 16384 order by proname"),
    triggers: await ask("select tgname, tgenabled from pg_trigger where not tgisinternal order by tgname"),
    migrations: await ask("select * from oauth_token_service_migrations order by created_at"),
    control: await ask("select pg_control_version, catalog_version_no from pg_control_system()"),
    meta: await ask("select key, value from meta order by key"),
  };
  await close();
  return described;
}

describe("a database out of the image", () => {
  test("is the one that this PGlite makes where there is no image", async () => {
    const directory = await folder();
    const [unpacked, made] = [join(directory, "unpacked"), join(directory, "made")];
    expect(await initialised(unpacked)).toEqual([]);
    const nowhere = join(directory, "nowhere");
    expect(await initialised(made, nowhere)).toEqual([{ reason: "there is no image of this version of PGlite" }]);

    for (const name of ["PG_VERSION", "pg_hba.conf", "pg_ident.conf", "postgresql.conf", "postgresql.auto.conf"]) {
      expect(await readFile(join(unpacked, name), "utf8"), name).toBe(await readFile(join(made, name), "utf8"));
    }
    expect((await stat(join(unpacked, "base"))).mode & 0o077).toBe(0);
    expect((await stat(join(unpacked, "PG_VERSION"))).mode & 0o077).toBe(0);
    const [{ meta, ...described }, { meta: other, ...same }] = [
      await describeDatabase(unpacked),
      await describeDatabase(made),
    ];
    expect(described).toEqual(same);
    expect(described.objects.length).toBeGreaterThan(50);
    expect(described.roles.filter(({ rolpassword }) => rolpassword !== null)).toEqual([]);
    // Each has a beginning of its own, so that nobody who watched one goes on at the other.
    expect(meta.map(({ key }) => key)).toEqual(["changes_began", "database_kind"]);
    expect(other.map(({ key }) => key)).toEqual(["changes_began", "database_kind"]);
    expect(meta[0]).not.toEqual(other[0]);
  });

  test("has its tables already, and a beginning of its own", async () => {
    const directory = await folder();
    const began: unknown[] = [];
    for (const name of ["one", "another"]) {
      await initialised(join(directory, name));
      const { client } = await openEmbeddedFiles(join(directory, name));
      expect((await client.query("select * from meta")).rows).toEqual([]);
      await client.close();
      const { meta } = await describeDatabase(join(directory, name));
      began.push(meta[0]?.value);
    }
    expect(new Set(began).size).toBe(2);
    expect(began).not.toContain(undefined);
  });

  test("knows nothing of the machine that made it", async () => {
    const found = await findImage();
    const knows = (word: string) => "archive" in found && found.archive.includes(word);
    const folders = [process.cwd(), "oauth-token-service"];
    expect(["checkpoint_timeout", ...folders].filter(knows)).toEqual(["checkpoint_timeout"]);
  });
});

describe("an image", () => {
  test.each([Buffer.alloc(0), Buffer.alloc(5_000, "x")])(
    "that holds no archive is not used, and said to be so",
    async (bytes) => {
      const directory = await folder();
      await writeFile(join(directory, "image"), gzipSync(bytes));
      const path = join(directory, "made");
      expect(await initialised(path, join(directory, "image"))).toEqual([{ reason: "the image is no archive" }]);
      const { close } = await openEmbeddedDatabase(path);
      await close();
    },
  );

  test("that was cut off or damaged is not used, and said to be so", async () => {
    const copy = join(await folder(), "copy");
    await copyFile(image, copy);
    const { size } = await stat(copy);
    await truncate(copy, size - 10_000);
    expect(await findImage(async () => copy)).toEqual({ missing: "the image is damaged (Z_BUF_ERROR)" });
    const bytes = await readFile(image);
    bytes.fill(0, size - 8, size - 4);
    await writeFile(copy, bytes);
    expect(await findImage(async () => copy)).toEqual({ missing: "the image is damaged (Z_DATA_ERROR)" });
  });

  test("has the name of the PGlite that made it and of its tables, of no other version and of no other files", async () => {
    const pglite = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite"));
    const { version } = JSON.parse(await readFile(join(pglite, "../package.json"), "utf8"));
    expect(image.split("/").slice(-2)).toEqual([`pglite-${version}`, await imageName(pglite)]);

    const files = await folder();
    const parts = ["pglite.wasm", "pglite.data", "initdb.wasm"];
    for (const part of parts) await writeFile(join(files, part), part);
    const names = [await imageName(files)];
    for (const part of parts) {
      await writeFile(join(files, part), `another ${part}`);
      names.push(await imageName(files));
    }
    names.push(await imageName(files, readMigrations().slice(1)));
    // The database remembers when each was made.
    names.push(
      await imageName(
        files,
        readMigrations().map((one) => ({ ...one, folderMillis: one.folderMillis + 1 })),
      ),
    );
    expect(new Set(names).size).toBe(6);
  });
});
