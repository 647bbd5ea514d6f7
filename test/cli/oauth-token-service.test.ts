import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation, type ServingStatusMap } from "grpc-health-check";
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { Secret } from "../../src/secret.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createAuthority } from "../support/certificates.ts";
import { createTestDatabase } from "../support/database.ts";
import { runOperator as run } from "../support/operator.ts";
import { writeTlsFiles } from "../support/tls-files.ts";

describe("keys generate", () => {
  test("prints one new key that the key ring takes, and nothing else", async () => {
    const [first, second] = await Promise.all([run(["keys", "generate"]), run(["keys", "generate"])]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toMatch(/^[\w-]{43}=\n$/);
    expect(first.stdout).not.toBe(second.stdout);
    expect(parseKeyRing(new Secret(first.stdout))).toHaveLength(1);
  });
});

describe("health", () => {
  /** An independent implementation of the health service. */
  async function serve(
    statuses: ServingStatusMap,
    credentials: ServerCredentials = ServerCredentials.createInsecure(),
    host = "127.0.0.1",
  ): Promise<string> {
    const server = new Server();
    new HealthImplementation(statuses).addToServer(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:0`, credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    onTestFinished(() => server.forceShutdown());
    return String(port);
  }

  test("is well if the service says so, at the address the settings name", async () => {
    const port = await serve({ "": "SERVING" });
    expect(await run(["health"], { GRPC_PORT: port })).toEqual({ code: 0, stdout: "SERVING\n", stderr: "" });
    expect(await run(["health", "--address", `localhost:${port}`])).toMatchObject({ code: 0 });
  });

  test("is asked for over TLS where there is a certificate, and of nobody who has another", async () => {
    const authority = createAuthority();
    const serving = authority.issue(["DNS:oauth.internal"]);
    const pair = { private_key: Buffer.from(serving.key), cert_chain: Buffer.from(serving.cert) };
    const port = await serve({ "": "SERVING" }, ServerCredentials.createSsl(null, [pair]));
    const { files } = await writeTlsFiles(serving);
    const env = { GRPC_PORT: port, TLS_CERT_FILE: files.cert, TLS_KEY_FILE: files.key };
    expect(await run(["health"], env)).toEqual({ code: 0, stdout: "SERVING\n", stderr: "" });
    const { files: others } = await writeTlsFiles(authority.issue(["DNS:oauth.internal"]));
    const outcome = await run(["health"], { ...env, TLS_CERT_FILE: others.cert, TLS_KEY_FILE: others.key });
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toContain("no health from");
  });

  test("goes through no proxy, whatever the environment says", async () => {
    const port = await serve({ "": "SERVING" });
    const proxy = "http://127.0.0.1:1";
    const env = { https_proxy: proxy, http_proxy: proxy, grpc_proxy: proxy, HTTPS_PROXY: proxy };
    expect(await run(["health"], { ...env, GRPC_PORT: port })).toMatchObject({ code: 0, stdout: "SERVING\n" });
    expect(await run(["health", "--address", `localhost:${port}`], env)).toMatchObject({ code: 0 });
  });

  test.each([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "[::1]"],
    ["0:0:0:0:0:0:0:0", "[::1]"],
  ])("asks on loopback a listener that is bound to %s, as its only address", async (host, loopback) => {
    const wire = host.includes(":") ? `[${host}]` : host;
    const port = await serve({ "": "SERVING" }, undefined, wire);
    const env = { INTERNAL_HOST: host, AUTH_CONFIG: "callers.yaml", TLS_TERMINATED_BY_PROXY: "1" };
    expect(await run(["health"], { ...env, GRPC_PORT: port })).toMatchObject({ code: 0, stdout: "SERVING\n" });
    // Where a wildcard leads to depends on the system: some refuse it as a destination.
    expect((await run(["health"], { ...env, GRPC_PORT: "1" })).stderr).toContain(`no health from ${loopback}:1`);
  });

  test("asks any other listener at the address it is bound to", async () => {
    const port = await serve({ "": "SERVING" }, undefined, "127.0.0.9");
    const env = { INTERNAL_HOST: "127.0.0.9", AUTH_CONFIG: "callers.yaml", TLS_TERMINATED_BY_PROXY: "1" };
    expect(await run(["health"], { ...env, GRPC_PORT: port })).toMatchObject({ code: 0, stdout: "SERVING\n" });
    const other = await run(["health"], { ...env, INTERNAL_HOST: "fd00::9", GRPC_PORT: "1" });
    expect(other.stderr).toContain("no health from [fd00::9]:1");
  });

  test("is not well if the service says anything else", async () => {
    const port = await serve({ "": "NOT_SERVING" });
    expect(await run(["health"], { GRPC_PORT: port })).toMatchObject({ code: 1, stdout: "NOT_SERVING\n" });
  });

  test("is not well if nobody answers", async () => {
    const outcome = await run(["health", "--address", "127.0.0.1:1"]);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toContain("no health from 127.0.0.1:1");
  });
});

describe("migrate", () => {
  test("brings a database up to date without knowing the encryption key, as often as asked", async () => {
    const database = await createTestDatabase({ empty: true });
    onTestFinished(() => database.drop());
    for (const _ of ["first", "again"]) {
      const outcome = await run(["migrate"], { DATABASE_URL: database.url });
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      expect(outcome.stdout).toContain("is up to date");
    }
  });

  test("says that it waits for another process, and goes on once that is done", async () => {
    const database = await createTestDatabase({ empty: true });
    onTestFinished(() => database.drop());
    const other = postgres(database.url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => other.end());
    await other`select pg_advisory_lock(${0x6f617574})`;
    let said = "";
    const running = run(["migrate"], { DATABASE_URL: database.url }, (complaint) => {
      said += complaint;
    });
    await until(() => said.includes("waiting for another process that migrates the database"), "it waits", 20_000);
    await other`select pg_advisory_unlock(${0x6f617574})`;
    expect(await running).toMatchObject({ code: 0, stdout: expect.stringContaining("is up to date") });
  });

  test("names what it could not reach, and no password", async () => {
    const outcome = await run(["migrate"], { DATABASE_URL: "postgres://me:canary@127.0.0.1:1/tokens" });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(
      "cannot use the database (host 127.0.0.1, port 1, database tokens): ECONNREFUSED: ",
    );
    expect(outcome.stderr).not.toContain("canary");
  });

  test("does nothing without Postgres, and says so", async () => {
    const outcome = await run(["migrate"]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("DATABASE_URL is not set");
  });

  test("reports settings that cannot be used", async () => {
    const outcome = await run(["migrate"], { DATABASE_URL: "mysql://h/d" });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("DATABASE_URL: this is not a Postgres URL");
  });
});

describe("the command line", () => {
  test("explains itself when asked", async () => {
    const outcome = await run(["--help"]);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toContain("usage: oauth-token-service COMMAND");
  });

  test.each([
    [[]],
    [["rotate", "now"]],
    [["keys"]],
    [["keys", "generate", "x"]],
    [["health", "--address"]],
    [["migrate", "up"]],
  ])("explains itself, as a failure, to %j", async (args) => {
    const outcome = await run(args);
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
    expect(outcome.stderr).toContain("usage: oauth-token-service ");
  });
});
