import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createBrowser } from "../../rig/browser.ts";
import { type ChildService, compileService, spawnService, startChildService } from "../../rig/child-service.ts";
import { until } from "../../rig/gate.ts";
import { createTcpProxy } from "../../rig/tcp-proxy.ts";
import { createTestDatabase } from "../support/database.ts";
import { startTestServer } from "../support/test-server.ts";
import { createFakePooler, type FakePooler } from "./fake-pooler.ts";
import { runSql } from "./sql.ts";
import { createStage, type Stage } from "./stage.ts";

beforeAll(compileService);

const slow = { timeout: 120_000 };
const key = () => randomBytes(32).toString("base64url");

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

const databaseOf = ({ env }: Stage) => new URL(env.DATABASE_URL ?? "").pathname.slice(1);
const health = async ({ internalUrl }: ChildService) => (await fetch(`${internalUrl}/health?full=1`)).status;

async function pooler(databaseUrl: string): Promise<FakePooler> {
  const made = await createFakePooler(databaseUrl);
  onTestFinished(() => made.close());
  return made;
}

/** Each changes how values are read, what is kept in a crash, or how long things may take. */
const foreign: Readonly<Record<string, string>> = {
  DateStyle: "'German, DMY'",
  TimeZone: "'Asia/Kathmandu'",
  IntervalStyle: "'sql_standard'",
  array_nulls: "off",
  bytea_output: "'escape'",
  client_encoding: "'LATIN1'",
  default_transaction_deferrable: "on",
  default_transaction_isolation: "'serializable'",
  extra_float_digits: "-10",
  lock_timeout: "'1ms'",
  row_security: "off",
  standard_conforming_strings: "off",
  synchronous_commit: "off",
  transform_null_equals: "on",
};

describe.each(["directly", "through a transaction pooler"])("a database with settings of its own, %s", slow, (way) => {
  test("is read and written as any other", async () => {
    stage = await createStage("Postgres");
    const direct = stage.env.DATABASE_URL ?? "";
    for (const [name, value] of Object.entries(foreign)) {
      await stage.sql(`alter database ${databaseOf(stage)} set ${name} = ${value}`);
    }
    const env = way === "directly" ? {} : { DATABASE_URL: (await pooler(direct)).url, DATABASE_DIRECT_URL: direct };
    await stage.start(env);
    const { installations } = await stage.connect("jira");
    const installation_id = installations[0]?.id ?? "";
    const { token_id } = await stage.workingToken("jira", { installation_id });
    const calls = stage.sandbox.atlassian.controls.refreshCalls;
    expect((await stage.workingToken("jira", { installation_id })).token_id, "the token is served again").toBe(
      token_id,
    );
    const next = await stage.workingToken("jira", { installation_id, rejected_token_id: token_id });
    expect(next.token_id, "a rejected token is replaced").not.toBe(token_id);
    expect(stage.sandbox.atlassian.controls.refreshCalls).toBe(calls + 1);
    const [row] = await stage.sql(
      "select extract(epoch from expires_at - now()) between 60 and 90000 as soon from credentials where kind = 'oauth' or true limit 1",
    );
    expect(row?.soon, "its end is stored as it is").toBe(true);
    expect(await health(stage.service)).toBe(200);
  });
});

describe("a pooler", slow, () => {
  test("that loses the database is an outage like any other, and waited for at the start", async () => {
    stage = await createStage("Postgres");
    const direct = stage.env.DATABASE_URL ?? "";
    const between = await pooler(direct);
    between.reaches(false);
    const env = { DATABASE_URL: between.url, DATABASE_DIRECT_URL: direct };
    const starting = stage.start(env);
    await until(
      async () => ((await stage?.sql("select to_regclass('meta') is not null as made")) ?? [])[0]?.made === true,
      "the database is migrated",
    );
    between.reaches(true);
    const service = await starting;

    const call = async () => {
      const query = new URLSearchParams({ installation_id: randomUUID() });
      const reply = await fetch(`${service.internalUrl}/oauth/token/jira?${query}`);
      const body = (await reply.json()) as { error: { reason: string } };
      return `${reply.status} ${body.error.reason} ${reply.headers.has("retry-after")}`;
    };
    expect(await call()).toBe("404 INSTALLATION_NOT_FOUND false");
    const during = Array.from({ length: 20 }, call);
    between.reaches(false);
    for (let round = 0; round < 3; round++) during.push(...Array.from({ length: 20 }, call), call());
    const answers = new Set(await Promise.all(during));
    answers.delete("404 INSTALLATION_NOT_FOUND false");
    expect([...answers]).toEqual(["503 SERVICE_UNAVAILABLE true"]);
    await until(async () => (await health(service)) === 503, "health says so");
    between.reaches(true);
    await until(async () => (await call()).startsWith("404"), "it is used again", 10_000);
  });

  test("without a direct connection beside it is named at the start", async () => {
    const { url, drop } = await createTestDatabase();
    onTestFinished(drop);
    const service = spawnService({ DATABASE_URL: (await pooler(url)).url, TOKEN_ENCRYPTION_KEY: key() });
    onTestFinished(async () => void (await service.kill()));
    const { code } = await service.exited;
    expect(code).toBe(1);
    const { message } = await service.line("service.start_failed");
    expect(message).toContain("DATABASE_DIRECT_URL");
    expect(message).toContain("unsupported startup parameter");
  });
});

test("a server that turns read-only is left for the one that its name leads to", slow, async () => {
  const former = await startTestServer();
  onTestFinished(() => former.stop());
  stage = await createStage("Postgres");
  const next = new URL(stage.env.DATABASE_URL ?? "");
  const proxy = await createTcpProxy(Number(new URL(former.url).port));
  onTestFinished(() => proxy.close());
  const name = databaseOf(stage);
  await runSql(former.url, `create database ${name}`);
  const url = Object.assign(new URL(former.url), { port: String(proxy.port), pathname: `/${name}` });
  const env = { DATABASE_URL: url.href };
  const service = await stage.start(env);
  const other = await startChildService({ ...stage.env, ...env, PORT: "0" });
  onTestFinished(async () => void (await other.kill()));
  expect(await health(service)).toBe(200);

  await runSql(former.url, "alter system set default_transaction_read_only = on");
  await runSql(former.url, "select pg_reload_conf()");
  for (const replica of [service, other]) {
    await until(async () => (await health(replica)) === 503, "health asks for a write", 10_000);
  }
  const full = await fetch(`${service.internalUrl}/health?full=1`);
  expect(await full.json()).toMatchObject({ database: "not writable" });
  proxy.aim(Number(next.port));
  for (const replica of [service, other]) {
    await until(async () => (await health(replica)) === 200, "back within 10 s", 10_000);
  }
  const { follow, sql } = stage;
  const isStored = async () => (await follow(createBrowser(), "/oauth/install/slack")).answer?.status === 200;
  await until(isStored, "an install is stored", 10_000);
  expect(await sql("select distinct platform from installations")).toEqual([{ platform: "slack" }]);
});
