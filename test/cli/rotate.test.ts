import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { targetOf } from "../../rig/postgres-target.ts";
import { createTcpProxy } from "../../rig/tcp-proxy.ts";
import { Secret } from "../../src/secret.ts";
import type { Database } from "../../src/storage/database.ts";
import { lockDataDirectory } from "../../src/storage/embedded/directory-lock.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { openForReseal } from "../../src/storage/resealing/postgres.ts";
import { credentials } from "../../src/storage/schema.ts";
import { generateKey, parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer, type Sealer } from "../../src/storage/seal/sealer.ts";
import { createTestDatabase, createTestDirectory } from "../support/database.ts";
import { startOperator } from "../support/operator.ts";

const [former, latest, lost] = [0, 0, 0].map(() => generateKey(randomBytes).reveal()) as [string, string, string];
const ring = `${latest},${former}`;
const idOf = (key: string) => sealerOf(key).keyIds[0] ?? "";
/** Stands in every token that is stored. */
const canary = `CANARY${randomBytes(8).toString("hex")}`;

function sealerOf(keys: string): Sealer {
  const options = { cipher: "fernet", now: () => new Date(), random: randomBytes } as const;
  return createSealer({ keys: parseKeyRing(new Secret(keys)), ...options });
}

interface Run {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  readonly ended: Promise<{ readonly code: number | null; readonly lines: readonly Line[]; readonly stderr: string }>;
}

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

const runs: Run[] = [];
afterEach(async () => {
  for (const { child, ended, output } of runs.splice(0)) {
    child.kill("SIGKILL");
    await ended;
    for (const secret of [canary, former, latest, lost, "gAAAA", "SELECT", "update "]) {
      expect(output.stdout + output.stderr).not.toContain(secret);
    }
  }
});

/** Starts the command as an operator would, with these settings and no others. */
function start(env: Readonly<Record<string, string>>): Run {
  const child = startOperator(["rotate"], env);
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (output.stdout += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (output.stderr += chunk));
  const ended = once(child, "close").then(([code]) => ({
    code: code as number | null,
    lines: output.stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line])),
    stderr: output.stderr,
  }));
  const run = { child, output, ended };
  runs.push(run);
  return run;
}
const rotate = (env: Readonly<Record<string, string>>) => start(env).ended;

/** Stores so many credentials, in the order of their ids. */
async function store(database: Database, keys: string, count: number): Promise<readonly string[]> {
  const sealer = sealerOf(keys);
  const ids = Array.from({ length: count }, () => crypto.randomUUID()).sort();
  const sealed = (row: string, column: string) =>
    sealer.seal({ table: "credentials", row, column }, new Secret(`${column} ${canary} of ${row}`)).text;
  const rows = ids.map((id) => ({
    ...({ id, platform: "slack", kind: "rotating", actor: "app", subject: id, status: "active" } as const),
    ...{ version: 1, failures: 0, scopes: [], permissions: {}, createdAt: new Date() },
    accessToken: sealed(id, "access_token"),
    refreshToken: sealed(id, "refresh_token"),
    keyId: sealer.keyIds[0] ?? null,
  }));
  await database.write((db) => db.insert(credentials).values(rows));
  return ids;
}

/** Opens every row, or fails. */
async function openAll(database: Database, keys: string): Promise<void> {
  const sealer = sealerOf(keys);
  for (const { id, accessToken, refreshToken } of await database.read((db) => db.select().from(credentials))) {
    for (const [column, text] of [
      ["access_token", accessToken],
      ["refresh_token", refreshToken],
    ] as const) {
      const value = sealer.open({ table: "credentials", row: id, column }, text ?? "").reveal();
      expect(value).toBe(`${column} ${canary} of ${id}`);
    }
  }
}

describe("rotate on Postgres", () => {
  async function prepare() {
    const testDatabase = await createTestDatabase();
    const target = targetOf(testDatabase.url);
    const { database, close } = await openForReseal(target, randomBytes);
    onTestFinished(async () => {
      await close();
      await testDatabase.drop();
    });
    return { database, env: { DATABASE_URL: testDatabase.url, TOKEN_ENCRYPTION_KEY: ring } };
  }

  test("seals everything with the first key, says how far it has come, and has nothing left to do", async () => {
    const { database, env } = await prepare();
    await store(database, former, 450);
    const { code, lines, stderr } = await rotate(env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [a, b] = [idOf(former), idOf(latest)];
    expect(lines).toEqual([
      { event: "rotate.batch", resealed: 200, unreadable: 0, left: 250, rowsByKey: { [a]: 250, [b]: 200 } },
      { event: "rotate.batch", resealed: 400, unreadable: 0, left: 50, rowsByKey: { [a]: 50, [b]: 400 } },
      { event: "rotate.batch", resealed: 450, unreadable: 0, left: 0, rowsByKey: { [b]: 450 } },
      {
        ...{ event: "rotate.done", resealed: 450, unreadable: 0, left: 0, rowsByKey: { [b]: 450 } },
        ...{ seconds: expect.any(Number), rowsPerSecond: expect.any(Number) },
      },
    ]);
    await openAll(database, latest);
    expect((await rotate(env)).lines).toMatchObject([{ event: "rotate.done", resealed: 0, left: 0 }]);
  });

  test("killed in the middle, it goes on from there when it is run again", async () => {
    const { database, env } = await prepare();
    const ids = await store(database, former, 400);
    const sql = postgres(env.DATABASE_URL, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
    await sql.begin(async (tx) => {
      // Held up in its second batch, so that the kill cannot come too late.
      await tx`select id from credentials where id = ${ids.at(-1) ?? ""} for update`;
      const { child, output, ended } = start(env);
      await until(() => output.stdout.includes("rotate.batch"), "the first batch is done");
      child.kill("SIGKILL");
      expect((await ended).code).toBeNull();
    });
    const rows = await database.read((db) => db.select({ keyId: credentials.keyId }).from(credentials));
    const done = rows.filter(({ keyId }) => keyId === idOf(latest)).length;
    expect(done).toBeGreaterThanOrEqual(200);
    expect(done).toBeLessThan(400);
    await openAll(database, ring);
    const { code, lines } = await rotate(env);
    expect(code).toBe(0);
    expect(lines.at(-1)).toMatchObject({ resealed: 400 - done, left: 0, rowsByKey: { [idOf(latest)]: 400 } });
    await openAll(database, latest);
  });

  test("stops when the database goes away, and says that it can be run again", async () => {
    const { database, env } = await prepare();
    const ids = await store(database, former, 400);
    const sql = postgres(env.DATABASE_URL, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
    const proxied = new URL(env.DATABASE_URL);
    const proxy = await createTcpProxy(Number(proxied.port));
    onTestFinished(() => proxy.close());
    proxied.port = String(proxy.port);
    const { code, lines, stderr } = await sql.begin(async (tx) => {
      await tx`select id from credentials where id = ${ids.at(-1) ?? ""} for update`;
      const { output, ended } = start({ ...env, DATABASE_URL: proxied.href });
      await until(() => output.stdout.includes("rotate.batch"), "the first batch is done");
      proxy.set("hang_up");
      proxy.cut();
      return ended;
    });
    expect(code).toBe(1);
    expect(lines.map(({ event }) => event)).toEqual(["rotate.batch"]);
    expect(stderr).toMatch(/^stopped after 200 rows, run it again to go on: the database cannot be reached/);
    await openAll(database, ring);
  });

  test("names the rows that no key opens, leaves them, and fails once the rest is done", async () => {
    const { database, env } = await prepare();
    await store(database, former, 3);
    const [foreign] = await store(database, lost, 1);
    const { code, lines, stderr } = await rotate(env);
    expect(code).toBe(1);
    expect(lines[0]).toEqual({ event: "rotate.unreadable", id: foreign, keyId: idOf(lost) });
    const rowsByKey = { [idOf(lost)]: 1, [idOf(latest)]: 3 };
    expect(lines.at(-1)).toMatchObject({ event: "rotate.done", resealed: 3, unreadable: 1, left: 1, rowsByKey });
    expect(stderr).toBe(
      "1 row cannot be opened and stayed as before: add the keys with the ids named above to TOKEN_ENCRYPTION_KEY, " +
        "not in the first place, and run it again; or connect these installations again\n",
    );
    await openAll(database, `${latest},${lost}`);
  });

  test("says what is wrong with a database it cannot use, and no password", async () => {
    const env = { DATABASE_URL: "postgres://me:canary@127.0.0.1:1/tokens", TOKEN_ENCRYPTION_KEY: ring };
    const away = await rotate(env);
    expect(away).toMatchObject({ code: 1, lines: [] });
    expect(away.stderr).toMatch(
      /^cannot use the database \(host 127\.0\.0\.1, port 1, database tokens\): ECONNREFUSED: /,
    );
    expect(away.stderr).not.toContain("canary");

    const empty = await createTestDatabase({ empty: true });
    onTestFinished(() => empty.drop());
    const unmigrated = await rotate({ ...env, DATABASE_URL: empty.url });
    expect(unmigrated.code).toBe(1);
    expect(unmigrated.stderr).toContain("it is not migrated for this version: run oauth-token-service migrate");
  });

  test("wants the keys", async () => {
    const { code, stderr } = await rotate({ DATABASE_URL: "postgres://me@127.0.0.1:1/tokens" });
    expect(code).toBe(1);
    expect(stderr).toContain("TOKEN_ENCRYPTION_KEY: is required with Postgres");
  });
});

describe("rotate on the embedded database", () => {
  async function prepare() {
    const { directory, remove } = await createTestDirectory();
    onTestFinished(remove);
    await writeFile(join(directory, "encryption.key"), `${ring}\n`, { mode: 0o600 });
    return directory;
  }
  async function withDatabase<T>(directory: string, work: (database: Database) => Promise<T>): Promise<T> {
    const { database, close } = await openEmbeddedDatabase(join(directory, "db"));
    try {
      return await work(database);
    } finally {
      await close();
    }
  }

  test("works while no service runs, with the keys of the data directory", async () => {
    const directory = await prepare();
    await withDatabase(directory, (database) => store(database, former, 20));
    const { code, lines, stderr } = await rotate({ DATA_DIR: directory });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines.at(-1)).toMatchObject({ event: "rotate.done", resealed: 20, left: 0 });
    await withDatabase(directory, (database) => openAll(database, latest));
  });

  test("is refused while a service runs", async () => {
    const directory = await prepare();
    const lock = await lockDataDirectory(directory, () => new Date());
    const { code, lines, stderr } = await rotate({ DATA_DIR: directory });
    lock.release();
    expect({ code, lines }).toEqual({ code: 1, lines: [] });
    expect(stderr).toContain(`the data directory ${directory} is in use by process ${process.pid}`);
    expect(stderr).toContain("stop that process");
  });

  test("makes no database where there is none", async () => {
    const { directory, remove } = await createTestDirectory({ empty: true });
    onTestFinished(remove);
    const { code, stderr } = await rotate({ DATA_DIR: directory });
    expect(code).toBe(1);
    expect(stderr).toContain(`there is no database in ${directory}`);
  });
});
