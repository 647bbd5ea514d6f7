import postgres from "postgres";
import { afterEach, describe, expect, test } from "vitest";
import { targetOf } from "../../../rig/postgres-target.ts";
import { createTcpProxy } from "../../../rig/tcp-proxy.ts";
import { openPostgres, type PostgresOptions } from "../../../src/storage/postgres/open.ts";
import type { Storage } from "../../../src/storage/storage.ts";
import { slackContext, unique, workspace } from "../../contract/connections.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createTestDatabase } from "../../support/database.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function database(options?: { empty: boolean }): Promise<string> {
  const { url, drop } = await createTestDatabase(options);
  cleanups.push(drop);
  return url;
}

async function open(url: string, changes: Partial<PostgresOptions> = {}): Promise<Storage> {
  const storage = await openPostgres({ target: targetOf(url), log: silentLog, ...createTools(), ...changes });
  cleanups.push(() => storage.close());
  return storage;
}

async function raw(url: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

function changed(url: string, changes: Partial<Pick<URL, "port" | "password" | "pathname" | "protocol">>): string {
  return Object.assign(new URL(url), changes).href;
}

describe("opening a Postgres database", () => {
  test("by four replicas at once migrates a fresh one once", async () => {
    const url = await database({ empty: true });
    const replicas = await Promise.all([open(url), open(url), open(url), open(url)]);
    for (const replica of replicas) await replica.ping();
    const [row] = await raw(
      url,
      "select count(*) as n, count(distinct hash) as once from oauth_token_service_migrations",
    );
    expect(row?.n).toBe(row?.once);
  });

  test("again changes nothing", async () => {
    const url = await database();
    const first = await open(url);
    const [made] = await first.installations.connect(workspace(unique("T"), "first"), slackContext(new Date()));
    const second = await open(url);
    expect(await second.installations.find(made?.id ?? "")).toEqual(made);
  });

  test("takes the URL of a service that used asyncpg", async () => {
    const url = await database();
    await (await open(url.replace("postgresql://", "postgresql+asyncpg://"))).ping();
  });

  test("works through a transaction pooler, with migrations and locks on the direct connection", async () => {
    const url = await database({ empty: true });
    const proxy = await createTcpProxy(Number(new URL(url).port));
    cleanups.push(() => proxy.close());
    const storage = await open(url, { direct: targetOf(changed(url, { port: String(proxy.port) })) });
    expect(proxy.taken()).toBeGreaterThan(0);
    const [made] = await storage.installations.connect(workspace(unique("T"), "first"), slackContext(new Date()));
    expect(await storage.installations.find(made?.id ?? "")).toEqual(made);
  });

  test("refuses a pooler that leads elsewhere than the direct connection, where nothing of it would be heard", async () => {
    const [pooled, direct] = [await database(), await database()];
    await expect(open(pooled, { direct: targetOf(direct) })).rejects.toThrow(
      "leads to another database than DATABASE_",
    );
  });

  test("refuses one that a newer version migrated", async () => {
    const url = await database();
    await raw(url, "insert into oauth_token_service_migrations (hash, created_at) values ('later', 9000000000000)");
    await expect(open(url)).rejects.toThrow("migrated by a newer version");
  });

  test("refuses a copy of an embedded database", async () => {
    const url = await database();
    await raw(url, "insert into meta values ('database_kind', 'embedded')");
    await expect(open(url)).rejects.toThrow("copy of an embedded database");
  });

  test("tries an unreachable server for a while, then names it and what to check, but never the password", async () => {
    const url = changed(await database(), { port: "1" });
    const started = performance.now();
    const error = await open(url, { openTimeoutMs: 500 }).then(String, (reason: unknown) => String(reason));
    expect(performance.now() - started).toBeGreaterThan(450);
    expect(error).toContain("host 127.0.0.1, port 1, database test_");
    expect(error).toContain("check that Postgres runs there");
    expect(error).not.toContain("password");
  });

  test("gives up in time on a server that takes connections and never answers", async () => {
    const url = await database();
    const proxy = await createTcpProxy(Number(new URL(url).port));
    cleanups.push(() => proxy.close());
    proxy.set("freeze");
    const opening = open(changed(url, { port: String(proxy.port) }), { openTimeoutMs: 100 });
    await expect(opening).rejects.toThrow(/cannot use the database \(host 127.0.0.1, .*: check that Postgres runs/);
  });

  test("waits for a server that comes up", async () => {
    const url = await database();
    const proxy = await createTcpProxy(Number(new URL(url).port));
    cleanups.push(() => proxy.close());
    proxy.set("hang_up");
    const opening = open(changed(url, { port: String(proxy.port) }));
    while (proxy.taken() < 2) await new Promise((resolve) => setImmediate(resolve));
    proxy.set("forward");
    await (await opening).ping();
  });

  test.each([
    ["a wrong password", { password: "wrong" }, "does not accept user postgres"],
    ["an unknown database", { pathname: "/nowhere" }, "there is no such database"],
  ])("gives up at once on %s", async (_what, changes, advice) => {
    const url = changed(await database(), changes);
    const started = performance.now();
    const error = await open(url).then(String, (reason: unknown) => String(reason));
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(error).toContain(advice);
    expect(error).not.toMatch(/wrong|test-password/);
  });

  test("never falls back to plain text where TLS is asked for", async () => {
    const url = await database();
    await expect(open(`${url}?sslmode=prefer`)).rejects.toThrow("may fall back to plain text");
    await expect(open(`${url}?sslmode=require`, { openTimeoutMs: 300 })).rejects.toThrow("cannot use the database");
  });
});

describe("a statement that fails", () => {
  test("is a bug and not an outage, and its message repeats no value", async () => {
    const url = await database();
    const storage = await open(url);
    const installation = { ...workspace("T-canary", "x").installations[0], externalOrgName: null };
    const connecting = storage.installations.connect(
      { ...workspace("T-canary", "x"), installations: [installation as never] },
      slackContext(new Date()),
    );
    await expect(connecting).rejects.toThrow("a database statement failed (23502)");
    await expect(connecting).rejects.not.toThrow(/canary/);
  });

  test("after closing is SERVICE_UNAVAILABLE", async () => {
    const storage = await open(await database());
    await storage.close();
    await expect(storage.ping()).rejects.toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
  });
});
