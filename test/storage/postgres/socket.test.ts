import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../rig/free-port.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { driverError, errorCode } from "../../../src/storage/database-failure.ts";
import { createPostgresClient } from "../../../src/storage/postgres/client.ts";
import { watchForStuckPlace } from "../../../src/storage/postgres/stuck-place.ts";
import { createAuthority, type TestCertificate } from "../../support/certificates.ts";
import { createTestDatabase, createTestDirectory } from "../../support/database.ts";
import {
  authentication,
  createFakePostgres,
  type FakeOptions,
  type FakePostgres,
  fatal,
  ready,
} from "./fake-postgres.ts";

const authority = createAuthority();
const password = "canary-password";

async function fake(options: FakeOptions): Promise<FakePostgres> {
  const server = await createFakePostgres(options);
  onTestFinished(() => server.close());
  return server;
}

async function authorityFile(cert = authority.cert): Promise<string> {
  const { directory, remove } = await createTestDirectory({ empty: true });
  onTestFinished(remove);
  const path = join(directory, "ca.pem");
  await writeFile(path, cert);
  return path;
}

function clientOf(url: string) {
  const limits = { statementMs: 5_000, lockMs: 5_000, idleInTransactionMs: 5_000 };
  return createPostgresClient(targetOf(url), {
    ...{ maxConnections: 1, connectTimeoutSeconds: 2, session: { limits, schema: undefined } },
    random: (bytes) => randomBytes(bytes),
  });
}

/** What a first statement comes to: `ok`, or the code of what went wrong. */
async function outcome(url: string): Promise<string> {
  const client = clientOf(url);
  try {
    await client.db.execute("select 1");
    return "ok";
  } catch (error) {
    return errorCode(driverError(error)) ?? String(error);
  } finally {
    await client.end(0);
  }
}

const urlTo = (port: number, query = "", host = "127.0.0.1") =>
  `postgresql://me:${password}@${host}:${port}/tokens${query}`;

/** The test server, behind something that speaks TLS with this certificate. */
async function tlsServer(certificate: TestCertificate, host?: string) {
  const { url, drop } = await createTestDatabase();
  onTestFinished(drop);
  const server = await fake({
    ...{ certificate, ...(host === "[::1]" ? { host: "::1" } : {}) },
    talk(client, _next, startup) {
      const upstream = connect(Number(new URL(url).port), "127.0.0.1");
      upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
      client.on("close", () => upstream.destroy()).pipe(upstream);
      upstream.pipe(client);
      upstream.write(startup);
    },
  });
  return (host: string, query: string) => {
    const { username, password: secret, pathname } = new URL(url);
    return `postgresql://${username}:${secret}@${host}:${server.port}${pathname}?${query}`;
  };
}

describe("a request for the password over a connection without TLS", () => {
  const salt = Buffer.from("salt");
  test.each([
    ["in clear", [authentication(3)], "CONNECTION_PASSWORD_SHOWN"],
    ["by MD5", [authentication(5, salt)], "CONNECTION_PASSWORD_SHOWN"],
    ["in clear, byte by byte", [...authentication(3)].map((byte) => Buffer.from([byte])), "CONNECTION_PASSWORD_SHOWN"],
    ["by Kerberos", [authentication(7)], "CONNECTION_LOGIN_UNKNOWN"],
    ["in clear once the login is over", [authentication(0), ready, authentication(3)], "CONNECTION_PASSWORD_SHOWN"],
    ["in clear in the midst of SCRAM", [authentication(10, "SCRAM-SHA-256\0\0"), authentication(3)], undefined],
  ] as const)("%s is refused, and nothing of it is sent", async (_what, says, code) => {
    const server = await fake({
      async talk(client) {
        for (const part of says) {
          if (client.destroyed) return;
          await new Promise<void>((resolve) => client.write(part, () => setImmediate(resolve)));
        }
      },
    });
    expect(await outcome(urlTo(server.port, "?sslmode=disable"))).toBe(code ?? "CONNECTION_PASSWORD_SHOWN");
    expect(server.heard()).toContain("tokens");
    expect(server.heard()).not.toContain(password);
    expect(server.heard()).not.toMatch(/p.{4}md5/s);
  });

  test("is answered where the operator names the way", async () => {
    const server = await fake({
      async talk(client, next) {
        client.write(authentication(3));
        await next();
        client.write(fatal("28P01"));
      },
    });
    expect(await outcome(urlTo(server.port, "?require_auth=password"))).toBe("28P01");
    expect(server.heard()).toContain(password);
  });

  test("is answered over TLS, whose server is known", async () => {
    const server = await fake({
      certificate: authority.issue(["IP:127.0.0.1"]),
      async talk(client, next) {
        client.write(authentication(3));
        await next();
        client.write(fatal("28P01"));
      },
    });
    expect(await outcome(urlTo(server.port, `?sslrootcert=${await authorityFile()}`))).toBe("28P01");
    expect(server.heard()).toContain(password);
  });
});

describe("the certificate of a database", () => {
  test.each([
    ["127.0.0.1", ["IP:127.0.0.1"], "ok"],
    ["127.0.0.1", ["DNS:localhost"], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["127.0.0.1", ["DNS:127.0.0.1"], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["127.0.0.1", ["IP:127.0.0.2"], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["[::1]", ["IP:::1"], "ok"],
    ["[::1]", ["DNS:localhost", "IP:127.0.0.1"], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["localhost", ["DNS:localhost"], "ok"],
    ["localhost", ["IP:127.0.0.1"], "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["localhost", ["DNS:db.example"], "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("that is named %s and has %j is taken for its own: %s", async (host, names, expected) => {
    const url = await tlsServer(authority.issue(names), host);
    for (const mode of ["verify-full", "require"]) {
      expect(await outcome(url(host, `sslmode=${mode}&sslrootcert=${await authorityFile()}`))).toBe(expected);
    }
  });

  test("has to be signed by who is trusted", async () => {
    const url = await tlsServer(authority.issue(["DNS:localhost"]));
    expect(await outcome(url("localhost", "sslmode=require"))).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    const others = await authorityFile(createAuthority("somebody else").cert);
    expect(await outcome(url("localhost", `sslrootcert=${others}`))).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  test("that is refused leaves the server without a word of ours", async () => {
    const server = await fake({ certificate: authority.issue(["DNS:db.example"]) });
    await outcome(urlTo(server.port, `?sslrootcert=${await authorityFile()}`));
    expect(server.taken()).toBeGreaterThan(0);
    expect(server.heard()).toBe("");
  });
});

describe("what is no Postgres server with TLS", () => {
  test.each<[string, FakeOptions, string]>([
    ["speaks no TLS", {}, "CONNECTION_WITHOUT_TLS"],
    [
      "greets first, as MySQL does",
      { instead: (client) => void client.write("J\0\0\0\n8.0") },
      "CONNECTION_NOT_POSTGRES",
    ],
    ["says more than S before TLS", { instead: (client) => void client.write("S\x16") }, "CONNECTION_NOT_POSTGRES"],
    ["hangs up", { instead: (client) => void client.resume().end() }, "CONNECTION_CLOSED"],
    ["says nothing", { instead: (client) => void client.resume() }, "CONNECT_TIMEOUT"],
  ])("and %s is given up, without a word of ours", async (_what, options, code) => {
    const server = await fake(options);
    expect(await outcome(urlTo(server.port, "?sslmode=require"))).toBe(code);
    expect(server.heard()).toBe("");
  });

  test.each([
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["Redis", "-ERR unknown command\r\n"],
  ])("but %s is told from Postgres without TLS as well", async (_what, greeting) => {
    const server = await fake({ instead: (client) => void client.once("data", () => client.write(greeting)) });
    expect(await outcome(urlTo(server.port))).toBe("CONNECTION_NOT_POSTGRES");
  });
});

describe("a connection that failed before it was made", () => {
  test("is made on the next attempt, which says who asks", async () => {
    const port = await freePort();
    const client = clientOf(urlTo(port));
    onTestFinished(() => client.end(0));
    const failed = () =>
      client.db.execute("select 1").then(
        () => "ok",
        (error: unknown) => errorCode(driverError(error)),
      );
    for (let n = 0; n < 3; n++) expect(await failed()).toBe("ECONNREFUSED");
    const server = await fake({ port, talk: (socket) => void socket.write(fatal("28P01", "heard")) });
    expect(await failed()).toBe("28P01");
    expect(server.heard()).toContain("user\0me\0");
  });

  test("to which the driver never writes fails at once, and is told of", async () => {
    const server = await fake({});
    const told: string[] = [];
    const open = async () => {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    };
    const used = await open();
    const watched = watchForStuckPlace(used, () => void told.push("used"));
    used.write("something");
    await watched;
    expect([used.destroyed, told]).toEqual([false, []]);
    used.destroy();
    const unused = await open();
    const failure = once(unused, "error");
    await watchForStuckPlace(unused, () => void told.push("unused"));
    expect(told).toEqual(["unused"]);
    expect(await failure).toMatchObject([{ code: "CONNECTION_STUCK" }]);
  });
});
