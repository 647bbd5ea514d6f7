import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createGate, until } from "../../../rig/gate.ts";
import { Secret } from "../../../src/secret.ts";
import { copyDatabase } from "../../../src/storage/embedded/backup/copy.ts";
import { parseDescription } from "../../../src/storage/embedded/backup/description.ts";
import { askForCopy, openBackupDoor } from "../../../src/storage/embedded/backup/door.ts";
import { inspectDatabase } from "../../../src/storage/embedded/backup/inspect.ts";
import { restoreBackup } from "../../../src/storage/embedded/backup/restore.ts";
import { collect, NotAnArchive, packTar, type TarEntry, unpackTar } from "../../../src/storage/embedded/backup/tar.ts";
import { writeBackup } from "../../../src/storage/embedded/backup/write-backup.ts";
import { createCheckpoints } from "../../../src/storage/embedded/checkpoints.ts";
import { openEmbedded, openEmbeddedDatabase } from "../../../src/storage/embedded/open.ts";
import { parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../../src/storage/seal/sealer.ts";
import { silentLog } from "../../contract/harness.ts";
import { createTestDirectory } from "../../support/database.ts";

const now = () => new Date("2026-03-04T05:06:07.000Z");
const key = Buffer.alloc(32, 5).toString("base64url");
const random = randomBytes;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "backup-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
});

const entry = (name: string, content: string | Buffer = ""): TarEntry => {
  const bytes = Buffer.from(content);
  return { name, kind: "file", bytes: bytes.length, body: Readable.from([bytes]) };
};
const folder = (name: string): TarEntry => ({ name, kind: "folder", bytes: 0, body: Readable.from([]) });

async function* each(...entries: readonly TarEntry[]): AsyncGenerator<TarEntry, undefined> {
  yield* entries;
}

async function listed(archive: AsyncIterable<Buffer>): Promise<readonly [string, string][]> {
  const found: [string, string][] = [];
  for await (const { name, body } of unpackTar(archive)) found.push([name, (await collect(body)).toString()]);
  return found;
}

async function* inParts(bytes: Buffer, size: number): AsyncGenerator<Buffer, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("an archive", () => {
  const long = "x".repeat(1_300);
  const made = () => collect(packTar(each(folder("db"), entry("db/a", long), entry("db/empty"), entry("b", "b"))));

  test("is read again, in whatever parts it comes, and by tar", async () => {
    const archive = await made();
    const whole = [
      ["db", ""],
      ["db/a", long],
      ["db/empty", ""],
      ["b", "b"],
    ];
    for (const size of [1, 511, 512, 100_000]) expect(await listed(inParts(archive, size))).toEqual(whole);
    await writeFile(join(root, "a.tar"), archive);
    const { stdout } = await promisify(execFile)("tar", ["tvf", join(root, "a.tar")]);
    expect(stdout).toMatch(/^drwx------.* db\/?\n-rw-------.* 1300 .* db\/a\n.*db\/empty\n.* b\n$/);
  });

  test("whose entries are passed over is read to its end", async () => {
    const names: string[] = [];
    for await (const { name } of unpackTar(inParts(await made(), 700))) names.push(name);
    expect(names).toEqual(["db", "db/a", "db/empty", "b"]);
  });

  test("that is cut off anywhere, or changed in a header, is none", async () => {
    const archive = await made();
    // Of the two blocks at its end one is enough.
    for (let length = 0; length <= archive.length - 1_024; length += 64) {
      await expect(listed(inParts(archive.subarray(0, length), 4_096)), `${length}`).rejects.toThrow(
        "ends in the middle",
      );
    }
    archive.write("c", 512);
    await expect(listed(inParts(archive, 4_096))).rejects.toThrow("no header");
  });
});

interface Source {
  readonly directory: string;
  readonly client: Awaited<ReturnType<typeof openEmbeddedDatabase>>["client"];
  copy(keyInside?: boolean): AsyncIterable<TarEntry>;
}

async function openSource(): Promise<Source> {
  const { directory, remove } = await createTestDirectory();
  onTestFinished(remove);
  await writeFile(join(directory, "encryption.key"), `${key}\n`, { mode: 0o600 });
  const { client, close } = await openEmbeddedDatabase(join(directory, "db"));
  onTestFinished(close);
  return { directory, client, copy: (keyInside = true) => copyDatabase({ directory, client, keyInside, now }) };
}

const write = (entries: AsyncIterable<TarEntry>, options: { withoutKey?: boolean; replace?: boolean } = {}) =>
  writeBackup({ file: join(root, "backup"), entries, random, withoutKey: false, replace: false, ...options });

const restore = (options: { file?: string; directory?: string; keys?: string } = {}) => {
  const { file = join(root, "backup"), directory = join(root, "restored"), keys } = options;
  return mkdir(directory, { recursive: true }).then(() =>
    restoreBackup({
      file,
      directory,
      keys: keys === undefined ? undefined : new Secret(keys),
      inspect: (database, ring) => inspectDatabase(database, { keys: ring, now, random }),
    }),
  );
};

/** Runs work on the restored database. */
async function withRestored<T>(work: (client: Source["client"]) => Promise<T>): Promise<T> {
  const { client, close } = await openEmbeddedDatabase(join(root, "restored", "db"));
  try {
    return await work(client);
  } finally {
    await close();
  }
}

describe("a copy of a database", () => {
  test("is whole and of one moment, whatever is written while it is made", { timeout: 120_000 }, async () => {
    const { client, copy } = await openSource();
    await client.exec(`
      create table accounts (id int primary key, balance int not null, filler text);
      insert into accounts select n, 100, repeat('x', 200) from generate_series(1, 3000) n;
      create table dropped as select repeat('y', 1000) from generate_series(1, 3000);
      create table emptied as select repeat('z', 1000) from generate_series(1, 3000);
      create table log (n int);
    `);
    let n = 0;
    async function* underLoad(): AsyncGenerator<TarEntry, undefined> {
      for await (const one of copy()) {
        yield one;
        n += 1;
        const [from, to] = [(n * 7919) % 3000, (n * 104_729) % 3000];
        await client.exec(`begin;
          update accounts set balance = balance - 1, filler = repeat('${n % 10}', 200) where id = ${from + 1};
          update accounts set balance = balance + 1 where id = ${to + 1};
          insert into log values (${n});
          commit`);
        if (n === 100) await client.exec("drop table dropped");
        if (n === 200) await client.exec("truncate emptied");
        if (n === 300) await client.exec("create table late as select generate_series(1, 5000) as a");
        if (n === 400) await client.exec("vacuum full accounts");
        if (n === 500) await client.exec("create index on accounts (balance)");
      }
    }
    await client.exec("insert into log values (0)");
    expect(await write(underLoad())).toMatchObject({
      ...{ madeAt: now().toISOString(), postgres: "18", encryptionKey: "inside" },
      database: expect.stringMatching(/^PostgreSQL 18\S* \(PGlite [\d.]+\)$/),
    });
    expect(n, "there was enough to interfere with").toBeGreaterThan(600);
    const { seen } = await restore();
    expect(seen).toMatchObject({ installations: 0, unreadable: 0, record: { findings: 0 } });
    expect((await stat(join(root, "restored", "encryption.key"))).mode & 0o777).toBe(0o600);
    expect((await readdir(join(root, "restored"))).toSorted()).toEqual(["db", "encryption.key"]);
    await withRestored(async (restored) => {
      const { rows } = await restored.query<{
        sum: string;
        count: string;
        last: number;
        gap: string;
        late: string;
      }>(`select
        (select sum(balance) from accounts) as sum, (select count(*) from accounts) as count,
        (select max(n) from log) as last, (select max(n) + 1 - count(*) from log) as gap,
        (select count(*) from late) as late, to_regclass('dropped') as dropped, (select count(*) from emptied) as emptied`);
      expect(rows).toEqual([
        { ...{ sum: 300_000, count: 3_000, gap: 0, late: 5_000, dropped: null, emptied: 0 }, last: expect.any(Number) },
      ]);
      // What was committed while the files were read is there, but for what came with the last of the log.
      expect(rows[0]?.last).toBeGreaterThan(600);
      await restored.exec("reindex table accounts");
      await restored.exec("vacuum accounts");
    });
  });

  test("whose record is not what was written is restored, and this is said", { timeout: 60_000 }, async () => {
    const { directory, remove } = await createTestDirectory();
    onTestFinished(remove);
    await writeFile(join(directory, "encryption.key"), `${key}\n`, { mode: 0o600 });
    const sealer = createSealer({ keys: parseKeyRing(new Secret(key)), cipher: "fernet", now, random });
    const storage = await openEmbedded({ directory, sealer, now, random, log: silentLog });
    await storage.audit.append([{ at: now(), kind: "token.issued", caller: "ci", method: "GetToken", count: 1 }]);
    await storage.close();
    const { client, close } = await openEmbeddedDatabase(join(directory, "db"));
    onTestFinished(close);
    await client.exec("set session_replication_role = replica; update audit_events set caller = 'somebody else'");
    await write(copyDatabase({ directory, client, keyInside: true, now }));
    expect((await restore()).seen.record).toMatchObject({ findings: 1 });
  });

  test("between which another checkpoint came is given up, and leaves nothing", async () => {
    const { client, copy } = await openSource();
    async function* interrupted(): AsyncGenerator<TarEntry, undefined> {
      for await (const one of copy()) {
        yield one;
        if (one.name === "db/PG_VERSION") await client.exec("checkpoint");
      }
    }
    await expect(write(interrupted())).rejects.toThrow("another checkpoint came between");
    expect(await readdir(root)).toEqual([]);
  });
});

test("the log is cut by checkpoints once it has grown, and not while a copy is made", {
  timeout: 120_000,
}, async () => {
  const { client, copy } = await openSource();
  const { keepUp, during } = createCheckpoints(() => client, 1_000_000);
  const checkpoint = async () => {
    const { rows } = await client.query<{ at: string }>("select redo_lsn::text as at from pg_control_checkpoint()");
    return rows[0]?.at;
  };
  const write = () =>
    client.exec(
      "create table if not exists filled (a text); insert into filled select repeat('x', 200) from generate_series(1, 8000)",
    );
  await client.exec("checkpoint");
  const first = await checkpoint();
  await keepUp();
  expect(await checkpoint(), "it has hardly grown").toBe(first);
  await write();
  await keepUp();
  const second = await checkpoint();
  expect(second).not.toBe(first);
  let seen = 0;
  for await (const _entry of during(copy())) {
    seen += 1;
    if (seen !== 10) continue;
    const own = await checkpoint();
    await write();
    await keepUp();
    expect(await checkpoint()).toBe(own);
  }
  await keepUp();
  expect(await checkpoint()).not.toBe(second);
});

describe("a backup file", () => {
  const description = Buffer.from(
    JSON.stringify({ format: 1, madeAt: "", database: "", postgres: "18", migratedTo: null, encryptionKey: "inside" }),
  );
  const small = () => each(entry("backup.json", description), entry("encryption.key", key), entry("backup.end"));

  test("is for its owner alone, replaces no other unless told to, and then only when it is whole", async () => {
    await write(small());
    const file = join(root, "backup");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await readFile(file);
    await expect(write(small())).rejects.toThrow("is there already: name another file, or say --replace");
    const cut = () => each(entry("backup.json", description), entry("encryption.key", key));
    await expect(write(cut(), { replace: true })).rejects.toThrow("ends before it is whole");
    expect(await readFile(file)).toEqual(before);
    await chmod(file, 0o644);
    await write(small(), { replace: true });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(root)).toEqual(["backup"]);
  });

  test("has no key in it where that is not wanted, and says so", async () => {
    expect(await write(small(), { withoutKey: true })).toMatchObject({ encryptionKey: "left out" });
    const entries = await listed(Readable.from([gunzipSync(await readFile(join(root, "backup")))]));
    expect(entries.map(([name]) => name)).toEqual(["backup.json", "backup.end"]);
    expect(parseDescription(entries[0]?.[1] ?? "")).toMatchObject({ encryptionKey: "left out" });
  });

  test("that cannot be written is told so", async () => {
    const file = join(root, "nowhere", "backup");
    const writing = writeBackup({ file, entries: small(), random, withoutKey: false, replace: false });
    await expect(writing).rejects.toThrow(`${file} cannot be written (ENOENT)`);
  });
});

describe("a restore", () => {
  const described = (changes: object) =>
    entry(
      "backup.json",
      JSON.stringify({
        ...{ format: 1, madeAt: "", database: "PostgreSQL 18.6 (PGlite 0.5.16)", postgres: "18", migratedTo: null },
        ...{ encryptionKey: "inside", ...changes },
      }),
    );
  const put = async (...entries: readonly TarEntry[]) => {
    const file = join(root, "backup");
    await writeFile(file, gzipSync(await collect(packTar(each(...entries)))));
    return file;
  };

  test.each([
    ["another format", { format: 2 }, "has the format 2, and this version reads 1"],
    [
      "another Postgres",
      { postgres: "19", database: "PostgreSQL 19.1 (PGlite 1.0.0)" },
      "is of PostgreSQL 19.1 (PGlite 1.0.0), and",
    ],
    ["a newer version", { migratedTo: 9_000_000_000_000 }, "was made by a newer version of this service"],
    [
      "a service with its key in the settings",
      { encryptionKey: "settings" },
      "set TOKEN_ENCRYPTION_KEY to the key of that",
    ],
  ])("refuses what is of %s, and leaves nothing", async (_what, changes, message) => {
    await put(described(changes), entry("backup.end"));
    await expect(restore()).rejects.toThrow(message);
    expect(await readdir(join(root, "restored"))).toEqual([]);
  });

  test.each([
    ["above the directory", entry("../escaped", "x")],
    ["beside the database", entry("db/../../escaped", "x")],
    ["that is hidden", entry("db/.escaped", "x")],
    ["that no backup has", entry("lock.db", "x")],
  ])("refuses a file %s", async (_what, stranger) => {
    await put(described({}), folder("db"), stranger, entry("backup.end"));
    await expect(restore()).rejects.toThrow("is damaged, or no backup");
    expect((await readdir(root)).toSorted()).toEqual(["backup", "restored"]);
    expect(await readdir(join(root, "restored"))).toEqual([]);
  });

  test("refuses what is damaged, cut off, or something else", async () => {
    const file = await put(described({}), folder("db"), entry("db/file", randomBytes(5_000)), entry("backup.end"));
    const whole = await readFile(file);
    for (const length of [0, 10, whole.length >> 1, whole.length - 4]) {
      await writeFile(file, whole.subarray(0, length));
      await expect(restore(), `${length}`).rejects.toThrow(/is damaged, or no backup|is cut off/);
    }
    const flipped = Buffer.from(whole);
    flipped[whole.length - 6]! ^= 1;
    await writeFile(file, flipped);
    await expect(restore()).rejects.toThrow("is damaged, or no backup");
    await put(described({}), folder("db"));
    await expect(restore()).rejects.toThrow("is cut off");
    await put(entry("something", "else"));
    await expect(restore()).rejects.toThrow("does not begin like one");
    await expect(restore({ file: join(root, "nowhere") })).rejects.toThrow("cannot be read (ENOENT)");
    expect(await readdir(join(root, "restored"))).toEqual([]);
  });

  test.each(["db", "encryption.key"])("overwrites no %s, not even a link to nowhere", async (name) => {
    await put(described({}), entry("backup.end"));
    await mkdir(join(root, "restored"));
    await symlink("/nowhere", join(root, "restored", name));
    await expect(restore()).rejects.toThrow("is there already, and nothing is overwritten");
  });

  test("of files that do not open leaves nothing, and says which backup it was", { timeout: 60_000 }, async () => {
    const file = await put(
      described({}),
      entry("encryption.key", key),
      folder("db"),
      entry("db/PG_VERSION", "18\n"),
      entry("backup.end"),
    );
    await expect(restore()).rejects.toThrow(`${file} was not restored: `);
    expect(await readdir(join(root, "restored"))).toEqual([]);
  });

  test("clears away what a killed one left", async () => {
    await mkdir(join(root, "restored", "restoring", "db"), { recursive: true });
    await put(described({ format: 2 }));
    await expect(restore()).rejects.toThrow("format");
    expect(await readdir(join(root, "restored"))).toEqual([]);
  });
});

describe("the door for backups", () => {
  const door = async (directory: string, copy: () => AsyncIterable<TarEntry>) => {
    const opened = await openBackupDoor({ directory, copy, log: silentLog });
    onTestFinished(opened.close);
    return opened;
  };
  const namesFrom = async (directory: string) => {
    const names: string[] = [];
    for await (const { name } of (await askForCopy(directory))?.entries ?? each(entry("nobody"))) names.push(name);
    return names;
  };

  test("is for the service's user alone, and nobody's where no service is", async () => {
    expect(await namesFrom(join(root, "nowhere"))).toEqual(["nobody"]);
    expect(await namesFrom(root)).toEqual(["nobody"]);
    const { close } = await door(root, () => each(entry("a")));
    expect((await stat(join(root, "backup.sock"))).mode & 0o777).toBe(0o600);
    expect(await namesFrom(root)).toEqual(["a"]);
    await close();
    expect(await readdir(root)).toEqual([]);
  });

  test("opens though a killed service left its socket, and in a directory with a long name", async () => {
    const directory = join(root, "d".repeat(120));
    await mkdir(directory);
    await writeFile(join(directory, "backup.sock"), "");
    const { close } = await door(directory, () => each(entry("a")));
    expect(await namesFrom(directory)).toEqual(["a"]);
    await close();
    expect(await readdir(directory)).toEqual([]);
  });

  test("gives one copy after the other", async () => {
    const gate = createGate();
    let making = 0;
    let most = 0;
    await door(root, async function* () {
      most = Math.max(most, ++making);
      yield entry("a");
      await gate.opened;
      making -= 1;
    });
    const asked = [namesFrom(root), namesFrom(root), namesFrom(root)];
    await until(() => making === 1, "the first copy is being made");
    gate.open();
    expect(await Promise.all(asked)).toEqual([["a"], ["a"], ["a"]]);
    expect(most).toBe(1);
  });

  test("cuts what is under way when the service ends, or the copy fails, and who reads is told", async () => {
    const [begun, ended] = [createGate(), createGate()];
    const { close } = await door(root, async function* () {
      yield entry("a", randomBytes(10_000));
      begun.open();
      await ended.opened;
    });
    const refused = expect(namesFrom(root)).rejects.toThrow(NotAnArchive);
    await begun.opened;
    const closing = close();
    ended.open();
    await closing;
    await refused;
    await door(root, () => {
      throw new Error("no copy");
    });
    await expect(namesFrom(root)).rejects.toThrow(NotAnArchive);
  });

  test("lets a reader go that is gone, and serves the next", async () => {
    await door(root, () => each(entry("a", Buffer.alloc(4_000_000))));
    const gone = createConnection(join(root, "backup.sock"));
    await once(gone, "data");
    gone.destroy();
    expect(await namesFrom(root)).toEqual(["a"]);
  });

  test("that cannot be opened keeps no service from starting", async () => {
    const taken = createServer().listen(join(root, "kept.sock"));
    onTestFinished(() => void taken.close());
    await mkdir(join(root, "backup.sock"));
    await writeFile(join(root, "backup.sock", "kept"), "");
    const warned: string[] = [];
    const log = { ...silentLog, warn: (_fields: object, event: string) => void warned.push(event) };
    const opened = await openBackupDoor({ directory: root, copy: () => each(), log });
    expect(warned).toEqual(["backup.only_stopped"]);
    await opened.close();
  });
});
