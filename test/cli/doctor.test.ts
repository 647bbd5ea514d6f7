import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { throwAwayDatabase } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { createClock } from "../../src/world/clock.ts";
import { useService } from "../end-to-end/support/use-service.ts";
import { createFakePooler } from "../process/fake-pooler.ts";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase } from "../support/database.ts";
import { writeTlsFiles } from "../support/tls-files.ts";

const key = Buffer.alloc(32, 7).toString("base64url");
const shared = useService({ env: { TOKEN_ENCRYPTION_KEY: key } });

interface Check {
  readonly check: string;
  readonly state: string;
  readonly found: string;
  readonly fix?: string;
}

function settings(env: Readonly<Record<string, string>>) {
  const { sandbox, databaseUrl, replicas } = shared.service;
  return {
    ...sandbox.environment,
    ...throwAwayDatabase,
    ...{ BASE_URL: replicas[0]!.publicUrl, DATABASE_URL: databaseUrl, TOKEN_ENCRYPTION_KEY: key },
    ...env,
  };
}

async function run(env: Readonly<Record<string, string>> = {}, args = ["--json"], aheadMs = 0) {
  const [out, err]: [string[], string[]] = [[], []];
  const clock = createClock(() => Date.now() + aheadMs);
  const code = await runCommand(["doctor", ...args], {
    ...{ env: settings(env), readFile: (path) => readFileSync(path, "utf8"), now: clock.now, clock },
    random: shared.service.world.random,
    ...{ print: (line) => void out.push(line), complain: (line) => void err.push(line) },
  });
  return { code, out, err, all: [...out, ...err].join("\n") };
}

async function checksOf(...given: Parameters<typeof run>) {
  const { code, out } = await run(...given);
  const { ok, checks } = JSON.parse(out[0]!) as { readonly ok: boolean; readonly checks: readonly Check[] };
  expect(ok).toBe(code === 0);
  const of = (name: string) => checks.filter(({ check }) => check === name);
  return { code, of, failed: checks.filter(({ state }) => state === "failed") };
}

test("everything is looked at and asked for, and nothing of it has to be fixed", async () => {
  await shared.service.connect("sentry");
  const { code, of, failed } = await checksOf();
  expect(failed).toEqual([]);
  expect(code).toBe(0);
  for (const name of ["github", "github-oauth", "jira", "slack", "sentry"]) {
    expect(of(name)).toEqual([{ check: name, state: "ok", found: "knows our client and its secret" }]);
  }
  expect(of("keys")).toMatchObject([{ state: "ok" }]);
  expect(of("clock")).toEqual([
    { check: "clock", state: "ok", found: expect.stringContaining("the database, 127.0.0.1:") },
  ]);
  expect(of("database")[0]).toMatchObject({ state: "ok", found: expect.stringContaining("is migrated") });
  // The role of the tests is a superuser.
  expect(of("database").at(-1)).toMatchObject({ state: "warning", fix: expect.stringContaining("superuser") });
});

test("a pooler is looked at beside the database: one that does not reach it, and one that leads elsewhere", async () => {
  const direct = shared.service.databaseUrl;
  const pooler = await createFakePooler(direct);
  const other = await createTestDatabase();
  try {
    const env = { DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: direct };
    expect((await checksOf(env)).of("pooler")).toMatchObject([{ state: "ok" }]);
    const elsewhere = await checksOf({ ...env, DATABASE_DIRECT_URL: other.url });
    expect(elsewhere.of("pooler")).toMatchObject([
      { state: "failed", found: expect.stringContaining("leads to another database than DATABASE_DIRECT_URL") },
    ]);
    pooler.reaches(false);
    const { code, of } = await checksOf(env);
    expect(code).toBe(1);
    expect(of("database")[0]).toMatchObject({ state: "ok" });
    expect(of("pooler")).toMatchObject([
      { state: "failed", found: expect.stringMatching(/08P01: a pooler or proxy answers.*login has been failing/) },
    ]);
  } finally {
    await pooler.close();
    await other.drop();
  }
});

test("of several poolers one that reaches the database is enough", async () => {
  const direct = shared.service.databaseUrl;
  const poolers = [await createFakePooler(direct), await createFakePooler(direct)];
  try {
    const hosts = poolers.map(({ url }) => new URL(url).host).join();
    const url = `${direct.replace(/@[^/]+/, `@${hosts}`)}?target_session_attrs=read-write`;
    const env = { DATABASE_URL: url, DATABASE_DIRECT_URL: direct };
    poolers[0]?.reaches(false);
    expect((await checksOf(env)).of("pooler")).toMatchObject([{ state: "ok" }]);
    poolers[1]?.reaches(false);
    expect((await checksOf(env)).of("pooler")).toMatchObject([{ state: "failed" }]);
  } finally {
    for (const pooler of poolers) await pooler.close();
  }
});

test("of several servers each is looked at by itself, before it is promoted", async () => {
  const direct = shared.service.databaseUrl;
  const { host } = new URL(direct);
  const url = `${direct.replace(/@[^/]+/, `@${host},127.0.0.1:1`)}?target_session_attrs=read-write`;
  const { failed, of } = await checksOf({ DATABASE_URL: url, DATABASE_DIRECT_URL: url });
  expect(failed).toEqual([]);
  expect(of("servers")).toMatchObject([
    { state: "ok", found: `${host} lets us in, and takes writes` },
    { state: "warning", found: expect.stringContaining("host 127.0.0.1, port 1, database") },
  ]);
});

test("what is not installed anywhere cannot be asked by every platform", async () => {
  expect((await checksOf()).of("sentry")).toMatchObject([{ state: "skipped", fix: "connect one, and run this again" }]);
});

test("each platform that refuses us is named with the settings to compare, and no secret", async () => {
  shared.expectFaults();
  await shared.service.connect("sentry");
  const canary = "canary-that-nobody-may-see";
  const env = {
    ...{ GITHUB_CLIENT_SECRET: canary, GITHUB_OAUTH_CLIENT_SECRET: canary, JIRA_CLIENT_SECRET: canary },
    ...{ SLACK_CLIENT_SECRET: canary, SENTRY_CLIENT_SECRET: canary },
  };
  const { code, of } = await checksOf(env);
  expect(code).toBe(1);
  const refused = (names: string) => ({ state: "failed", fix: expect.stringContaining(names) });
  expect(of("github")).toMatchObject([refused("GITHUB_APP_ID")]);
  expect(of("github-oauth")).toMatchObject([refused("GITHUB_OAUTH_CLIENT_ID, GITHUB_OAUTH_CLIENT_SECRET")]);
  expect(of("jira")).toMatchObject([refused("JIRA_CLIENT_ID, JIRA_CLIENT_SECRET")]);
  expect(of("slack")).toMatchObject([refused("SLACK_CLIENT_ID, SLACK_CLIENT_SECRET")]);
  expect(of("sentry")).toMatchObject([refused("SENTRY_CLIENT_ID, SENTRY_CLIENT_SECRET")]);
  const { all } = await run(env, []);
  for (const [name, value] of Object.entries(settings(env))) {
    if (/SECRET|PRIVATE_KEY|ENCRYPTION_KEY/.test(name)) expect(all, name).not.toContain(value);
  }
  expect(all).toContain("FAILED   jira          refuses us (");
});

test("a platform that gives no answer, and an app id that is another's, are told apart", async () => {
  shared.expectFaults();
  const { of } = await checksOf({ SLACK_URL: `http://127.0.0.1:${await freePort()}`, GITHUB_APP_ID: "999999" });
  expect(of("slack")).toMatchObject([{ state: "failed", found: "gives no answer (ECONNREFUSED)" }]);
  expect(of("github")).toMatchObject([{ state: "failed", found: expect.stringContaining("refuses us (app_") }]);
});

test("keys that open nothing, and a clock that is wrong, are found", async () => {
  await shared.service.connect("slack");
  const { code, of } = await checksOf(
    { TOKEN_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64url") },
    ["--json"],
    90_000,
  );
  expect(code).toBe(1);
  expect(of("keys").map(({ found }) => found)).toEqual([
    expect.stringContaining("opens what this database was begun with"),
    expect.stringContaining("credentials are sealed with keys that are not configured"),
  ]);
  expect(of("clock")).toMatchObject([{ state: "warning", found: "this machine's is 90 s ahead of the database's" }]);
});

test("settings that cannot be used are listed one by one; what does not need them is looked at", async () => {
  const { code, of } = await checksOf({ PORT: "x", SLACK_CLIENT_SECRET: "" });
  expect(code).toBe(1);
  expect(of("settings").map(({ state, found }) => `${state} ${found.split(": ")[0]}`)).toEqual([
    "failed SLACK_CLIENT_SECRET",
    "failed PORT",
  ]);
  expect(of("database")[0]).toMatchObject({ state: "ok" });
  expect(of("platforms")).toMatchObject([{ state: "skipped" }]);
});

test("a database that nobody migrated is no failure, and gets neither tables nor a canary by looking", async () => {
  const database = await createTestDatabase({ empty: true });
  try {
    const { of } = await checksOf({ DATABASE_URL: database.url });
    expect(of("database")).toMatchObject([{ state: "warning", fix: expect.stringContaining("migrate") }]);
  } finally {
    await database.drop();
  }
  await shared.sql`delete from meta where key = 'key_canary'`;
  expect((await checksOf()).of("keys")).toMatchObject([{ state: "ok" }]);
  expect(await shared.sql`select 1 from meta where key = 'key_canary'`).toEqual([]);
  await shared.service.openStorage().then(async ({ storage, close }) => {
    await storage.keyUsage.inspect();
    await close();
  });
});

test("an embedded database is not made, and no directory for it", async () => {
  const directory = join(tmpdir(), `oauth-token-service-${crypto.randomUUID()}`);
  const { of } = await checksOf({ DATABASE_URL: "", DATA_DIR: directory, TOKEN_ENCRYPTION_KEY: "" });
  expect(of("database")).toMatchObject([{ state: "warning", found: expect.stringContaining("there is none in") }]);
});

test("the caller file is read, and the end of a certificate seen", async () => {
  const directory = await mkdtemp(join(tmpdir(), "doctor-"));
  const callers = join(directory, "callers.yaml");
  writeFileSync(callers, "version: 1\ncallers:\n  - name: ci\n    mtach: {}\n");
  chmodSync(callers, 0o600);
  const { files } = await writeTlsFiles(createAuthority().issue(["DNS:oauth.internal"]));
  const { of } = await checksOf({ AUTH_CONFIG: callers, TLS_CERT_FILE: files.cert, TLS_KEY_FILE: files.key });
  expect(of("callers")).toMatchObject([{ state: "failed", found: expect.stringContaining("mtach") }]);
  expect(of("certificate")).toMatchObject([{ state: expect.stringMatching(/ok|warning/) }]);
});
