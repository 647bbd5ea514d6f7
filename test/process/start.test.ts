import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type ChildService,
  compileService,
  type Environment,
  type Exit,
  type ServiceProcess,
  spawnService,
  startChildService,
} from "../../rig/child-service.ts";
import { createTestDatabase, createTestDirectory } from "../support/database.ts";
import { startTestServer } from "../support/test-server.ts";
import { runSql } from "./sql.ts";
import { connectAndUse, createStage, type Stage } from "./stage.ts";

beforeAll(compileService);

/** Each starts processes, on a machine that may have other work. */
const slow = { timeout: 120_000 };

const key = () => randomBytes(32).toString("base64url");

async function dataDirectory(options?: { empty: boolean }): Promise<string> {
  const { directory, remove } = await createTestDirectory(options);
  onTestFinished(remove);
  return directory;
}

async function databaseUrl(options?: { empty: boolean }): Promise<string> {
  const { url, drop } = await createTestDatabase(options);
  onTestFinished(drop);
  return url;
}

async function stageOn(database: Parameters<typeof createStage>[0]): Promise<Stage> {
  const stage = await createStage(database);
  onTestFinished(() => stage.close());
  return stage;
}

/** A service that ends with its test, however that ends. */
function spawned(env: Environment): ServiceProcess {
  const service = spawnService(env);
  onTestFinished(async () => void (await service.kill()));
  return service;
}

async function started(env: Environment): Promise<ChildService> {
  const service = await startChildService(env);
  onTestFinished(async () => void (await service.kill()));
  return service;
}

/** Starts a service that is expected to give up, and to say why once. */
async function refused(env: Environment): Promise<Exit & { readonly message: string }> {
  const service = spawned(env);
  const exit = await service.exited;
  const failures = service.lines.filter(({ level }) => level === "error");
  expect(exit.code, exit.output).toBe(1);
  expect(failures, exit.output).toMatchObject([{ event: "service.start_failed" }]);
  return { ...exit, message: String(failures[0]?.message) };
}

describe("a data directory", slow, () => {
  test("serves one process: a second one is refused, and told who holds it", async () => {
    const directory = await dataDirectory();
    const env = { DATA_DIR: directory, TOKEN_ENCRYPTION_KEY: key() };
    const first = await started(env);
    const { message } = await refused(env);
    expect(message).toContain(
      `the data directory ${directory} is in use by process ${first.pid} on ${hostname()} since`,
    );
    expect((await fetch(`${first.internalUrl}/health?full=1`)).status, "the first one goes on").toBe(200);

    expect(await first.kill()).toMatchObject({ signal: "SIGKILL" });
    expect(await readdir(directory)).toContain("lock");
    const next = await started(env);
    expect(await next.kill("SIGTERM"), "what a killed process left locked is taken over").toMatchObject({ code: 0 });
    expect(await readdir(directory)).not.toContain("lock");
  });

  test("whose key is missing is left alone, and the key asked for", async () => {
    const directory = await dataDirectory();
    const { message } = await refused({ DATA_DIR: directory });
    expect(message).toContain(`${join(directory, "encryption.key")} is missing`);
    expect(message).toContain("TOKEN_ENCRYPTION_KEY");
    expect((await readdir(directory)).toSorted()).toEqual(["db", "lock.db"]);
  });

  test("whose key others may read is refused", async () => {
    const directory = await dataDirectory({ empty: true });
    await writeFile(join(directory, "encryption.key"), `${key()}\n`);
    await chmod(join(directory, "encryption.key"), 0o644);
    expect((await refused({ DATA_DIR: directory })).message).toContain("run chmod 600");
  });

  test("whose key is corrupted is left alone, and the message says what to do", async () => {
    const directory = await dataDirectory();
    const text = "canary-half-of-a-key";
    await writeFile(join(directory, "encryption.key"), text, { mode: 0o600 });
    const { message, output } = await refused({ DATA_DIR: directory });
    expect(message).toContain(`${join(directory, "encryption.key")} does not hold encryption keys (the 1st key is not`);
    expect(message).toContain(
      "): put back the file that was there, or set TOKEN_ENCRYPTION_KEY to the key that was used",
    );
    expect(output).not.toContain("canary");
    expect((await readdir(directory)).sort()).toEqual(["db", "encryption.key", "lock.db"]);
    expect(await readFile(join(directory, "encryption.key"), "utf8")).toBe(text);
  });

  test("that cannot be made says so, and what to set", async () => {
    const directory = await dataDirectory({ empty: true });
    await writeFile(join(directory, "file"), "");
    const { message } = await refused({ DATA_DIR: join(directory, "file", "below") });
    expect(message).toContain("cannot be made: set DATA_DIR to a folder, or to one that can be made (ENOTDIR)");
  });

  test("gives a process that is told to end while it makes the database an orderly end", async () => {
    const directory = await dataDirectory({ empty: true });
    const service = spawned({ DATA_DIR: directory });
    await service.line("database.initializing");
    expect(await service.kill("SIGTERM")).toMatchObject({ code: 0 });
    expect((await readdir(directory)).sort()).toEqual(["db", "encryption.key", "lock.db"]);
    expect((await readFile(join(directory, "encryption.key"), "utf8")).trim()).toMatch(/^[\w-]{43}=$/);
  });
});

describe("a Postgres database", slow, () => {
  test.each([
    ["that does not run", { port: "1" }, "check that Postgres runs there"],
    ["with another password", { password: "wrong-canary" }, "does not accept user postgres"],
    ["that does not exist", { pathname: "/nowhere" }, "there is no such database"],
  ])("%s is named in the one message the process ends with", async (_what, changes, advice) => {
    const url = Object.assign(new URL(await databaseUrl()), changes);
    const { message, output } = await refused({ DATABASE_URL: url.href, TOKEN_ENCRYPTION_KEY: key() });
    expect(message).toContain(`host ${url.hostname}, port ${url.port}, database ${url.pathname.slice(1)}`);
    expect(message).toContain(advice);
    expect(output).not.toContain(url.password);
  });

  test("that holds a copy of an embedded one is refused", async () => {
    const url = await databaseUrl();
    await runSql(url, "insert into meta values ('database_kind', 'embedded')");
    const { message } = await refused({ DATABASE_URL: url, TOKEN_ENCRYPTION_KEY: key() });
    expect(message).toContain("holds a copy of an embedded database");
  });

  test("is migrated once when four replicas start on a fresh one together", async () => {
    const url = await databaseUrl({ empty: true });
    const env = { DATABASE_URL: url, TOKEN_ENCRYPTION_KEY: key() };
    const replicas = await Promise.all([1, 2, 3, 4].map(() => started(env)));
    for (const { internalUrl } of replicas) expect((await fetch(`${internalUrl}/health?full=1`)).status).toBe(200);
    for (const exit of await Promise.all(replicas.map((replica) => replica.kill("SIGTERM")))) {
      expect(exit).toMatchObject({ code: 0 });
    }
    const twice = await runSql(
      url,
      "select created_at from oauth_token_service_migrations group by created_at having count(*) > 1",
    );
    expect(twice).toEqual([]);
  });
});

describe("a migration that waits for another process", slow, () => {
  test("says so, and gives way to SIGTERM at once", async () => {
    const url = await databaseUrl({ empty: true });
    const other = postgres(url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => other.end());
    const [holder] = await other`select pg_backend_pid() as pid, pg_advisory_lock(${0x6f617574})`;
    const service = spawned({ DATABASE_URL: url, TOKEN_ENCRYPTION_KEY: key() });
    expect(await service.line("database.waiting_for_migration")).toMatchObject({ holderPid: holder?.pid });
    const toldAt = performance.now();
    expect(await service.kill("SIGTERM")).toMatchObject({ code: 0 });
    expect(performance.now() - toldAt).toBeLessThan(5_000);
    expect(service.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("a server that flushes nothing is refused unless that is allowed", slow, async () => {
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const env = { DATABASE_URL: server.url, TOKEN_ENCRYPTION_KEY: key() };
  const { message } = await refused({ ...env, DATABASE_MAY_LOSE_COMMITS: "0" });
  expect(message).toMatch(/fsync=off.*DATABASE_MAY_LOSE_COMMITS=1/);
  const service = await started({ ...env, DATABASE_MAY_LOSE_COMMITS: "1" });
  expect(await service.line("database.may_lose_commits")).toMatchObject({ level: "warn" });
});

test("a server that flushes what it commits is used without a word about it", slow, async () => {
  const server = await startTestServer({ fsync: "on" });
  onTestFinished(server.stop);
  const service = await started({
    ...{ DATABASE_URL: server.url, TOKEN_ENCRYPTION_KEY: key() },
    DATABASE_MAY_LOSE_COMMITS: "0",
  });
  expect(service.lines.filter(({ event }) => event === "database.may_lose_commits")).toEqual([]);
});

describe.each(["Postgres", "embedded"] as const)("rows on %s that were sealed under another key", slow, (database) => {
  test("are reported and left as they are, until the right key is back", async () => {
    const stage = await stageOn(database);
    await stage.start();
    const { installation_id } = await connectAndUse(stage, "jira");
    await stage.service.kill("SIGTERM");
    const before = await stage.sql("select * from credentials");

    await stage.start({ TOKEN_ENCRYPTION_KEY: key() });
    const unreadable = await stage.token("jira", { installation_id });
    expect(unreadable).toMatchObject({ status: 500, body: { error: { reason: "TOKEN_UNREADABLE" } } });
    expect(await stage.installations()).toHaveLength(2);
    await stage.service.kill("SIGTERM");
    expect(await stage.sql("select * from credentials")).toEqual(before);

    await stage.start({ TOKEN_ENCRYPTION_KEY: `${key()},${stage.env.TOKEN_ENCRYPTION_KEY}` });
    await stage.workingToken("jira", { installation_id });
  });
});

describe("settings that cannot be used", slow, () => {
  test("are reported all together, in one message without a secret", async () => {
    const service = spawned({
      DATABASE_URL: "mysql://me:canary-password@db/tokens",
      GITHUB_APP_ID: "12",
      GITHUB_CLIENT_SECRET: "canary-github",
      SLACK_CLIENT_SECRET: "canary-slack",
      JIRA_CLEINT_ID: "swapped",
      TLS_CERT_FILE: "/etc/tls.pem",
      INTERNAL_HOST: "0.0.0.0",
      GRPC_PORT: "99999",
      BASE_URL: "http://oauth.example.com",
      TOKEN_ENCRYPTION_KEY: "canary-key",
    });
    const { code, output } = await service.exited;
    expect(code).toBe(1);
    const settings = output
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(":")[0]);
    expect(output).toMatch(/^the configuration cannot be used:\n/);
    expect(settings).toEqual(
      expect.arrayContaining([
        ...["DATABASE_URL", "GITHUB_APP_NAME", "SLACK_CLIENT_ID", "TLS_CERT_FILE"],
        ...["INTERNAL_HOST", "GRPC_PORT", "BASE_URL", "TOKEN_ENCRYPTION_KEY"],
      ]),
    );
    expect(output).toContain("JIRA_CLEINT_ID is not a setting; JIRA_CLIENT_ID is");
    expect(output).not.toContain("canary");
  });

  test.each(["PORT", "INTERNAL_PORT", "GRPC_PORT"])(
    "%s in use ends the process, and names the address",
    async (name) => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void holder.close());
      const { port } = holder.address() as { port: number };
      const env = { DATABASE_URL: await databaseUrl(), TOKEN_ENCRYPTION_KEY: key(), [name]: String(port) };
      const { message } = await refused(env);
      expect(message).toContain(`127.0.0.1:${port}`);
      expect(message).toContain("in use");
      expect(message).toContain(name);
    },
  );
});
