import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../../rig/gate.ts";
import { quickly } from "../../../rig/quick-node.ts";
import { openEmbedded, openEmbeddedDatabase } from "../../../src/storage/embedded/open.ts";
import { slackContext, unique, workspace } from "../../contract/connections.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createTestDirectory } from "../../support/database.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function makeDirectory(options?: { empty: boolean }): Promise<string> {
  const { directory, remove } = await createTestDirectory(options);
  cleanups.push(remove);
  return directory;
}

const tools = createTools();
const open = (directory: string) => openEmbedded({ directory, log: silentLog, ...tools });

async function tamper(directory: string, statement: string): Promise<void> {
  const { client, close } = await openEmbeddedDatabase(join(directory, "db"));
  await client.exec(statement);
  await close();
}

describe("opening the embedded database", () => {
  test("finds again what was stored, and removes what an interrupted first start left", async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, "db.initializing"));
    await writeFile(join(directory, "db.initializing", "half"), "made");
    const first = await open(directory);
    const [made] = await first.installations.connect(workspace(unique("T"), "first"), slackContext(new Date()));
    await first.close();
    await expect(first.ping()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
    const second = await open(directory);
    expect(await second.installations.find(made?.id ?? "")).toEqual(made);
    await second.close();
    expect(await readdir(directory)).toEqual(["db"]);
  });

  test("after a first start that was killed starts afresh", async () => {
    const directory = await makeDirectory({ empty: true });
    const child = spawn(process.execPath, [...quickly, "--input-type=module", "--eval", firstStart], {
      env: { ...process.env, DIRECTORY: directory },
      stdio: "ignore",
    });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    await until(() => existsSync(join(directory, "db.initializing", "PG_VERSION")), "the database is being made");
    child.kill("SIGKILL");
    await exited;
    expect(existsSync(join(directory, "db"))).toBe(false);
    const storage = await open(directory);
    await storage.ping();
    await storage.close();
    expect(await readdir(directory)).toEqual(["db"]);
  });

  test.each(["", "\0\0\0\0", "no process"])("opens one whose last start was cut off (%j)", async (written) => {
    const directory = await makeDirectory();
    await writeFile(join(directory, "db", "postmaster.pid"), written);
    const storage = await open(directory);
    await storage.ping();
    await storage.close();
  });

  test("lets others have their turn between two statements", async () => {
    const { database, close } = await openEmbeddedDatabase(join(await makeDirectory(), "db"));
    let answered = false;
    setTimeout(() => {
      answered = true;
    });
    let statements = 0;
    while (!answered && statements < 1_000) {
      await database.read((db) => db.execute("select 1"));
      statements += 1;
    }
    expect(statements).toBeLessThan(1_000);
    await close();
  });

  test("opens one with a folder where its last start left a file", async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, "db", "postmaster.pid"));
    await (await open(directory)).close();
  });

  test("refuses a copy of a Postgres database", async () => {
    const directory = await makeDirectory();
    await tamper(directory, "update meta set value = 'postgres'");
    await expect(open(directory)).rejects.toThrow("copy of a Postgres database");
  });

  test("refuses one that a newer version migrated", async () => {
    const directory = await makeDirectory();
    await tamper(
      directory,
      "insert into oauth_token_service_migrations (hash, created_at) values ('x', 9000000000000)",
    );
    await expect(open(directory)).rejects.toThrow("migrated by a newer version");
  });
});

// Only the first half of a first start: making the database where it is not looked for.
const firstStart = `
  const { initialise } = await import(${JSON.stringify(fileURLToPath(new URL("../../../src/storage/embedded/initialise.ts", import.meta.url)))});
  const path = process.env.DIRECTORY + "/db.initializing";
  (await import("node:fs")).mkdirSync(path);
  await initialise(path, console);
`;
