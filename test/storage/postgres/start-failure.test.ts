import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../rig/free-port.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { startFailure } from "../../../src/storage/postgres/start-failure.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createAuthority } from "../../support/certificates.ts";
import { createTestDatabase, createTestDirectory } from "../../support/database.ts";
import { authentication, createFakePostgres, type FakeOptions, fatal } from "./fake-postgres.ts";

const authority = createAuthority();
const past = new Date(Date.now() - 1000);
const tomorrow = new Date(Date.now() + 86_400_000);
const ofLocalhost = authority.issue(["DNS:localhost"]);

async function failure(url: string, openTimeoutMs?: number): Promise<string> {
  const options = { target: targetOf(url), log: silentLog, ...createTools(), openTimeoutMs };
  return openPostgres(options).then(
    async (storage) => {
      await storage.close();
      return "opened";
    },
    (error: Error) => error.message,
  );
}

async function authorityFile(): Promise<string> {
  const { directory, remove } = await createTestDirectory({ empty: true });
  onTestFinished(remove);
  await writeFile(join(directory, "ca.pem"), authority.cert);
  return join(directory, "ca.pem");
}

const says = (answer: Buffer): FakeOptions => ({ talk: (client) => void client.write(answer) });

/** Takes any password for the right one, and cannot prove that it knows it. */
const pretends: FakeOptions = {
  async talk(client, next) {
    client.write(authentication(10, "SCRAM-SHA-256\0\0"));
    const nonce = /r=([^,]+)/.exec(await next())?.[1];
    client.write(authentication(11, `r=${nonce}more,s=c2FsdA==,i=4096`));
    await next();
    client.write(authentication(12, "v=c29tZXRoaW5nIGVsc2U="));
  },
};

/** What is on the port, what the URL adds, and what an operator reads after the place. */
const atOnce: readonly (readonly [cause: string, server: FakeOptions, query: string, sentence: string])[] = [
  [
    "a server without TLS",
    {},
    "?sslmode=require",
    "CONNECTION_WITHOUT_TLS: the server does not speak TLS; switch it on there (ssl = on), or write sslmode=disable in DATABASE_URL if nobody can listen on the way",
  ],
  [
    "a private authority that is not named",
    { certificate: ofLocalhost },
    "?sslmode=require",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE: the server's certificate is not signed by anybody trusted here; name the file of who signed it by sslrootcert in DATABASE_URL (unlike with libpq, sslmode=require verifies as well)",
  ],
  [
    "a certificate that its server signed itself",
    { certificate: authority },
    "?sslmode=require",
    "DEPTH_ZERO_SELF_SIGNED_CERT: the server's certificate is not signed by anybody trusted here; name the file of who signed it by sslrootcert in DATABASE_URL (unlike with libpq, sslmode=require verifies as well)",
  ],
  [
    "a certificate for another name",
    { certificate: authority.issue(["DNS:db.example"]) },
    "?sslrootcert=CA",
    "ERR_TLS_CERT_ALTNAME_INVALID: the server's certificate is not one for localhost; name the server in DATABASE_URL as its certificate does",
  ],
  [
    "a certificate that has ended",
    { certificate: authority.issue(["DNS:localhost"], { to: past }) },
    "?sslrootcert=CA",
    "CERT_HAS_EXPIRED: the server's certificate has expired; renew it there",
  ],
  [
    "a certificate that is for later",
    { certificate: authority.issue(["DNS:localhost"], { from: tomorrow, to: new Date(tomorrow.getTime() + 1000) }) },
    "?sslrootcert=CA",
    "CERT_NOT_YET_VALID: the server's certificate is not valid yet; check the clocks",
  ],
  [
    "another program",
    { instead: (client) => void client.once("data", () => client.write("HTTP/1.1 400 Bad Request\r\n\r\n")) },
    "",
    "CONNECTION_NOT_POSTGRES: what answers there does not speak as Postgres does; check host and port in DATABASE_URL",
  ],
  [
    "a password asked for in clear",
    says(authentication(3)),
    "",
    "CONNECTION_PASSWORD_SHOWN: the server wants the password in a way that shows it to who listens or answers; speak TLS, or have the password stored for scram-sha-256, or name the way the server asks for, such as require_auth=md5, in DATABASE_URL if nobody can listen on the way",
  ],
  [
    "another way to log in",
    says(authentication(7)),
    "",
    "CONNECTION_LOGIN_UNKNOWN: the server wants user me to log in by another way than a password, such as Kerberos",
  ],
  [
    "somebody who does not know the password",
    pretends,
    "",
    "SASL_SIGNATURE_MISMATCH: the server does not know the password itself, and may be somebody else's",
  ],
  [
    "a password that is wrong",
    says(fatal("28P01")),
    "",
    "28P01: the server does not accept user me; check user and password in DATABASE_URL",
  ],
  [
    "no such database",
    says(fatal("3D000")),
    "",
    "3D000: there is no such database; create it, or correct DATABASE_URL",
  ],
  [
    "a pooler that takes no parameters of a session",
    says(fatal("08P01", "unsupported startup parameter: row_security")),
    "",
    "08P01: a pooler or proxy answers, not the database; let it reach the database, and where it pools transactions, name a direct connection in DATABASE_DIRECT_URL beside it in DATABASE_URL (the server says: unsupported startup parameter: row_security)",
  ],
  [
    "no rule that lets this client in",
    says(fatal("28000", 'no pg_hba.conf entry for host "127.0.0.1", no encryption')),
    "",
    'user me in from here without TLS; check pg_hba.conf there, DATABASE_URL and DATABASE_URL (sslmode) (the server says: no pg_hba.conf entry for host "127.0.0.1", no encryption)',
  ],
  [
    "no schema to create in",
    says(fatal("3F000")),
    "",
    "3F000: the search path of user me names no schema that there is; create the schema, or set the path (ALTER ROLE … SET search_path)",
  ],
];

/** What may pass by itself, and is therefore told when it has not. */
const afterAWhile: typeof atOnce = [
  [
    "a server that starts up",
    says(fatal("57P03")),
    "",
    "57P03: the server starts up, recovers or shuts down, and was not ready in time; see its log",
  ],
  [
    "no connection left",
    says(fatal("53300")),
    "",
    "53300: the server has no connection left; raise max_connections there, or end what holds them",
  ],
  ["a full disk", says(fatal("53100")), "", "53100: the server's disk is full; make room there"],
  [
    "a server that only reads",
    says(fatal("25006")),
    "",
    "25006: the server only reads, as a standby does; name the primary in DATABASE_URL, or take back default_transaction_read_only from the server, the database or user me",
  ],
  [
    "a pooler that does not reach its database",
    says(fatal("08P01", "server conn crashed?")),
    "",
    "08P01: a pooler or proxy answers, not the database; let it reach the database, and where it pools transactions, name a direct connection in DATABASE_DIRECT_URL beside it in DATABASE_URL (the server says: server conn crashed?)",
  ],
  [
    "something that ends every connection",
    { instead: (client) => void client.resume().end() },
    "?sslmode=require",
    "CONNECTION_CLOSED: something there takes connections and ends them at once; check DATABASE_URL, and the server's log",
  ],
];

describe("a start finds", () => {
  test.each([
    ...atOnce.map((row) => [...row, undefined] as const),
    ...afterAWhile.map((row) => [...row, 300] as const),
  ])("%s, and says what to do", async (_cause, server, query, sentence, openTimeoutMs) => {
    const fake = await createFakePostgres(server);
    onTestFinished(() => fake.close());
    const url = `postgresql://me:canary@localhost:${fake.port}/tokens${query.replace("CA", await authorityFile())}`;
    const started = performance.now();
    const message = await failure(url, openTimeoutMs);
    expect(performance.now() - started, "nobody waits for what does not pass").toBeLessThan(5_000);
    expect(message).toContain(`cannot use the database (host localhost, port ${fake.port}, database tokens): `);
    expect(message).toContain(sentence);
    expect(message).not.toContain("canary");
  });

  test("the one of several servers whose certificate is another's", async () => {
    const right = await createFakePostgres({ certificate: ofLocalhost, talk: (client) => void client.destroy() });
    const wrong = await createFakePostgres({ certificate: ofLocalhost });
    onTestFinished(() => Promise.all([right.close(), wrong.close()]).then(() => undefined));
    const hosts = `localhost:${right.port},127.0.0.1:${wrong.port}`;
    const query = `target_session_attrs=read-write&sslrootcert=${await authorityFile()}`;
    expect(await failure(`postgresql://me:canary@${hosts}/tokens?${query}`)).toContain(
      "ERR_TLS_CERT_ALTNAME_INVALID: the server's certificate is not one for 127.0.0.1; name the server",
    );
  });

  test("a role that may create nothing, and says which right it lacks", async () => {
    const database = await createTestDatabase({ empty: true });
    const role = `poor_${Date.now().toString(36)}`;
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    onTestFinished(async () => {
      await sql.unsafe(`drop role ${role}`);
      await sql.end();
      await database.drop();
    });
    await sql.unsafe(`create role ${role} login password 'poor'`);
    const url = Object.assign(new URL(database.url), { username: role, password: "poor" });
    const message = await failure(url.href);
    expect(message).toContain(`42501: user ${role} lacks a right; let it create schemas and tables, or migrate as`);
    expect(message).toMatch(/\(the server says: permission denied for schema \w+\)$/);
  });

  test.each([
    [
      "a host that does not exist",
      "nowhere.invalid",
      /: (ENOTFOUND|EAI_AGAIN): the host name does not resolve; check DATABASE_URL$/,
    ],
    [
      "nobody on the port",
      "localhost",
      /: ECONNREFUSED: check that Postgres runs there and accepts connections from here, and DATABASE_URL$/,
    ],
    [
      "no socket",
      "%2Fnowhere",
      /\(socket \/nowhere\/\.s\.PGSQL\.\d+, database d\): ENOENT: check that Postgres runs there/,
    ],
  ])("%s, and says where it looked", async (_cause, host, message) => {
    expect(await failure(`postgresql://u@${host}:${await freePort()}/d?sslmode=disable`, 100)).toMatch(message);
  });

  test("a socket that this process may not use, and says where", () => {
    const target = targetOf("postgresql://u@/d?host=/run/postgresql");
    const refused = Object.assign(new Error("connect EACCES"), { code: "EACCES" });
    expect(startFailure(target, refused).message).toBe(
      "cannot use the database (socket /run/postgresql/.s.PGSQL.5432, database d): EACCES: " +
        "this process may not use that socket; check its folder's rights, or DATABASE_URL",
    );
  });
});
