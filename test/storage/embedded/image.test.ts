import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { makeEmbeddedImage } from "../../../rig/embedded-image.ts";
import { openEmbeddedFiles } from "../../../src/storage/embedded/files.ts";
import { findImage, imageName } from "../../../src/storage/embedded/image.ts";
import { initialise } from "../../../src/storage/embedded/initialise.ts";
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

async function namesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path, { recursive: true })).sort();
}

/** What a database is set to, and who it knows. */
async function describeDatabase(path: string) {
  const { client } = await openEmbeddedFiles(path);
  const { rows: settings } = await client.query("select name, setting, source from pg_settings order by name");
  const { rows: roles } = await client.query<{ rolpassword: string | null }>(
    "select rolname, rolsuper, rolcanlogin, rolpassword from pg_authid order by rolname",
  );
  const { rows: databases } = await client.query(
    "select datname, encoding, datlocprovider, datcollate, datctype, datacl, dattablespace from pg_database order by datname",
  );
  const { rows: objects } = await client.query("select oid, relname, relacl from pg_class order by oid");
  const { rows: control } = await client.query(
    "select pg_control_version, catalog_version_no from pg_control_system()",
  );
  await client.close();
  return { settings, roles, databases, objects, control };
}

describe("a database out of the image", () => {
  test("is the one that this PGlite makes where there is no image", async () => {
    const directory = await folder();
    const [unpacked, made] = [join(directory, "unpacked"), join(directory, "made")];
    expect(await initialised(unpacked)).toEqual([]);
    const nowhere = join(directory, "nowhere");
    expect(await initialised(made, nowhere)).toEqual([{ reason: "there is no image of this version of PGlite" }]);

    expect(await namesIn(unpacked)).toEqual(await namesIn(made));
    for (const name of ["PG_VERSION", "pg_hba.conf", "pg_ident.conf", "postgresql.conf", "postgresql.auto.conf"]) {
      expect(await readFile(join(unpacked, name), "utf8"), name).toBe(await readFile(join(made, name), "utf8"));
    }
    const described = await describeDatabase(unpacked);
    expect(described).toEqual(await describeDatabase(made));
    expect(described.roles.filter(({ rolpassword }) => rolpassword !== null)).toEqual([]);
    expect((await stat(join(unpacked, "base"))).mode & 0o077).toBe(0);
    expect((await stat(join(unpacked, "PG_VERSION"))).mode & 0o077).toBe(0);
  });

  test("knows nothing of the machine that made it", async () => {
    const found = await findImage();
    const knows = (word: string) => "archive" in found && found.archive.includes(word);
    const folders = [process.cwd(), "oauth-token-service"];
    expect(["checkpoint_timeout", ...folders].filter(knows)).toEqual(["checkpoint_timeout"]);
  });
});

describe("an image", () => {
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

  test("has the name of the PGlite that made it, of no other version and of no other files", async () => {
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
    expect(new Set(names).size).toBe(4);
  });
});
