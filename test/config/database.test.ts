import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load-config.ts";
import { loadDatabaseConfig } from "../../src/config/load-parts.ts";
import { type PostgresTarget, serversOf } from "../../src/postgres-target.ts";
import { createAuthority } from "../support/certificates.ts";
import { errorOf, fernetKey, filesOf, load, warningsOf } from "./load.ts";

const key = { TOKEN_ENCRYPTION_KEY: fernetKey };
const ca = createAuthority().cert;
const files = { "/ca.pem": ca, "/empty.pem": "no certificate" };

function targetOf(env: Readonly<Record<string, string>>): PostgresTarget {
  const database = loadDatabaseConfig(env, filesOf(files));
  if (database.kind === "embedded") throw new Error("embedded");
  return database.target;
}

const ofUrl = (url: string) => targetOf({ DATABASE_URL: url });

/** The problems alone, without the setting's name. */
function wrongWith(url: string): readonly string[] {
  const [, ...lines] = errorOf({ ...key, DATABASE_URL: url }, files).split("\n");
  return lines.map((line) => line.trim().replace(/^DATABASE_URL: (.*); .*$/, "$1"));
}

describe("a Postgres URL", () => {
  test.each([
    ["postgresql://u:p@db.example:6432/tokens", { host: "db.example", port: 6432, database: "tokens", user: "u" }],
    ["postgres://u@db.example/tokens", { host: "db.example", port: 5432, database: "tokens", password: undefined }],
    ["POSTGRES://u@db.example./tokens", { host: "db.example.", database: "tokens" }],
    ["postgresql+asyncpg://u:p@[::1]/tokens", { host: "::1", port: 5432, database: "tokens" }],
    ["postgresql://u@[2001:db8::5]:6432/d", { host: "2001:db8::5", port: 6432 }],
    ["postgresql://u%40x:p%2F@h/a%20b", { user: "u@x", database: "a b" }],
    ["postgresql://u:p@x@h/d", { user: "u", host: "h" }],
    ["postgresql:///tokens?host=/run/postgresql&user=u", { host: "/run/postgresql", database: "tokens", user: "u" }],
    ["postgres://u:pw@/db?host=/cloudsql/p:eu:i", { host: "/cloudsql/p:eu:i", port: 5432, database: "db", user: "u" }],
    ["postgres://u@%2Frun%2Fpostgresql:6432/db", { host: "/run/postgresql", port: 6432 }],
    ["postgres://u@h/db?host=::1&port=6432&dbname=other", { host: "::1", port: 6432, database: "other" }],
    ["postgresql://h", { host: "h", database: "postgres", user: undefined }],
    ["postgresql://u@h", { host: "h", database: "u", user: "u" }],
    ["postgresql://", { host: "localhost", port: 5432, database: "postgres", user: undefined }],
    ["postgresql://u@h/d?application_name=a+b%20c", { applicationName: "a+b c" }],
  ])("%s is read", (text, expected) => {
    expect(ofUrl(text)).toMatchObject(expected);
  });

  test.each([
    ["postgresql://u:p%2F%3A%23+@h/d", "p/:#+"],
    ["postgresql://u:p@x#y@h/d", "p@x#y"],
    ["postgresql://u:a:b@h/d", "a:b"],
    ["postgresql://u@h/d?password=p%26+", "p&+"],
  ])("%s keeps its password wrapped", (text, password) => {
    const target = ofUrl(text);
    expect(target.password?.reveal()).toBe(password);
    expect(JSON.stringify(target)).not.toContain(password);
  });

  test.each(
    [
      [
        "mysql://u:canary@h/d",
        "u:canary@h/d",
        "canary:5432/d",
        "postgresql://u:can/ary#@h:x/d",
        "jdbc:postgresql://h/d",
      ],
      ["postgresql://u:canary@h:port/d", "postgresql://u:%canary@h/d", "postgresql://::1/d", "postgresql://h/d?canary"],
    ].flat(),
  )("%s is refused, unrepeated", (text) => {
    const message = errorOf({ ...key, DATABASE_URL: text });
    expect(message).toContain("DATABASE_URL: this is not a Postgres URL, or something in it needs percent-encoding");
    expect(message).not.toContain(text);
    expect(message).not.toContain("canary");
  });

  test("has everything that is wrong with it in one message", () => {
    expect(wrongWith("postgresql://h/d?port=99999&sslmode=prefer&sslrootcert=/nowhere.pem&require_auth=gss")).toEqual([
      "the port is not a whole number from 1 to 65535",
      "the file /nowhere.pem cannot be read (ENOENT)",
      "sslmode=prefer may fall back to plain text",
      "require_auth names a way to log in that is not supported",
    ]);
  });

  test.each([
    ["u@a,b/d", ["a:5432", "b:5432"]],
    ["u@a:1,b/d", ["a:1", "b:5432"]],
    ["u@a:1,b:2,c:3/d", ["a:1", "b:2", "c:3"]],
    ["u@[::1]:1,b/d", ["::1:1", "b:5432"]],
    ["u@/d?host=a,b&port=7", ["a:7", "b:7"]],
    ["u@/d?host=a,b&port=7,8", ["a:7", "b:8"]],
    ["u@/d?host=/run/a,/run/b", ["/run/a:5432", "/run/b:5432"]],
  ])("with several hosts, as libpq spells them: %s", (text, servers) => {
    const target = ofUrl(`postgresql://${text}${text.includes("?") ? "&" : "?"}target_session_attrs=read-write`);
    expect(serversOf(target).map(({ host, port }) => `${host}:${port}`)).toEqual(servers);
    expect([target.mustWrite, target.ignored]).toEqual([true, []]);
  });

  test("with several hosts says that it wants the one that takes writes, and with one may", () => {
    expect(wrongWith("postgresql://u@a,b/d")).toEqual(["of several hosts any may be taken, also one that only reads"]);
    for (const asked of ["standby", "prefer-standby", "read-only"])
      expect(wrongWith(`postgresql://u@a/d?target_session_attrs=${asked}`)).toEqual([
        `target_session_attrs=${asked} asks for a server that only reads`,
      ]);
    expect(wrongWith("postgresql://u@a/d?target_session_attrs=readwrite")).toEqual([
      "target_session_attrs=readwrite is unknown",
    ]);
    expect(wrongWith("postgresql://u@a,b/d?port=1,2,3&target_session_attrs=primary")).toEqual([
      "there are not as many ports as hosts",
    ]);
    expect(ofUrl("postgresql://u@a/d?target_session_attrs=any").mustWrite).toBe(false);
    expect(ofUrl("postgresql://u@a/d?target_session_attrs=primary").mustWrite).toBe(true);
  });

  test("speaks TLS with several hosts, unless none of them is elsewhere", () => {
    const tlsOf = (hosts: string) => ofUrl(`postgresql://u@${hosts}/d?target_session_attrs=read-write`).tls;
    expect([tlsOf("localhost,db"), tlsOf("localhost:1,localhost:2")]).toEqual([{ ca: undefined }, undefined]);
  });

  test("takes no parameter twice, since others count the first, the last, or all of them", () => {
    const wrong = "the URL has host and sslmode more than once, of which only one would count";
    expect(wrongWith("postgresql://u@/d?host=a&host=b&sslmode=disable&port=1&sslmode=require")).toEqual([wrong]);
  });

  test("names the parameters that it ignores", () => {
    expect(ofUrl("postgresql://h/d?pgbouncer=true&sslmode=disable").ignored).toEqual(["pgbouncer"]);
  });
});

describe("TLS to the database", () => {
  test.each(["db", "127.example", "10.0.0.1", "[2001:db8::5]", "localhost.example"])(
    "is spoken with %s, and left out only where that is written out",
    (host) => {
      expect(ofUrl(`postgresql://u@${host}/d`).tls).toEqual({ ca: undefined });
      expect(ofUrl(`postgresql://u@${host}/d?sslmode=disable`).tls).toBeUndefined();
    },
  );

  test.each(["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "%2Frun", ""])("is not needed with '%s'", (host) => {
    expect(ofUrl(`postgresql://u@${host}/d`).tls).toBeUndefined();
  });

  test.each(["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "ssl=require", "ssl=true"])(
    "always verifies, with %s too",
    (mode) => {
      expect(ofUrl(`postgresql://h/d?${mode}`).tls).toEqual({ ca: undefined });
      expect(ofUrl(`postgresql://localhost/d?${mode}&sslrootcert=/ca.pem`).tls).toEqual({ ca });
    },
  );

  test("follows from an authority, and does not exist on a socket", () => {
    expect(ofUrl("postgresql://localhost/d?sslrootcert=/ca.pem").tls).toEqual({ ca });
    expect(ofUrl("postgresql://h/d?sslrootcert=system").tls).toEqual({ ca: undefined });
    expect(ofUrl("postgresql:///d?host=/run&sslmode=require").tls).toBeUndefined();
  });

  test("is refused in ways that may end without it, and with a file that holds no authority", () => {
    expect(wrongWith("postgresql://h/d?sslmode=allow")).toEqual(["sslmode=allow may fall back to plain text"]);
    expect(wrongWith("postgresql://h/d?sslmode=no-verify")).toEqual(["sslmode=no-verify is unknown"]);
    expect(wrongWith("postgresql://h/d?sslrootcert=/empty.pem")).toEqual([
      "the file /empty.pem holds no PEM certificates, or a broken one",
    ]);
  });

  test("decides which ways to log in are gone along with, unless they are named", () => {
    const methods = (url: string) => [...ofUrl(url).authMethods];
    expect(methods("postgresql://localhost/d")).toEqual(["scram-sha-256"]);
    expect(methods("postgresql://h/d?sslmode=disable")).toEqual(["scram-sha-256"]);
    expect(methods("postgresql://h/d")).toEqual(["scram-sha-256", "md5", "password"]);
    expect(methods("postgresql://localhost/d?require_auth=md5,scram-sha-256")).toEqual(["scram-sha-256", "md5"]);
  });
});

describe("the database", () => {
  test("may be given in parts, whose special characters survive", () => {
    const parts = { POSTGRES_HOST: "db", POSTGRES_PORT: "5433", POSTGRES_USER: "me", POSTGRES_DB: "to kens" };
    const target = targetOf({ ...parts, POSTGRES_PASSWORD: "p@/:#%" });
    expect(target).toMatchObject({ host: "db", port: 5433, user: "me", database: "to kens", tls: { ca: undefined } });
    expect(target.password?.reveal()).toBe("p@/:#%");
  });

  test.each([
    ["::1", "::1"],
    ["[2001:db8::5]", "2001:db8::5"],
    ["/run/postgresql", "/run/postgresql"],
  ])("in parts takes the host %s", (host, expected) => {
    expect(targetOf({ POSTGRES_HOST: host, POSTGRES_USER: "me" })).toMatchObject({ host: expected, database: "me" });
  });

  test("in parts takes sslmode and authority of their own", () => {
    const parts = { POSTGRES_HOST: "db", POSTGRES_USER: "me" };
    expect(targetOf({ ...parts, POSTGRES_SSLMODE: "disable" }).tls).toBeUndefined();
    expect(targetOf({ ...parts, POSTGRES_SSLROOTCERT: "/ca.pem" }).tls).toEqual({ ca });
    const wrong = { POSTGRES_HOST: "a,b", POSTGRES_SSLMODE: "prefer", POSTGRES_SSLROOTCERT: "/nowhere.pem" };
    const message = errorOf({ ...key, ...parts, ...wrong, POSTGRES_PORT: "0" });
    expect(message).toContain("POSTGRES_PORT: the port is not a whole number");
    expect(message).toContain("POSTGRES_SSLMODE: sslmode=prefer may fall back");
    expect(message).toContain("POSTGRES_SSLROOTCERT: the file /nowhere.pem cannot be read");
  });

  test("needs the host and the user among its parts", () => {
    const message = errorOf({ ...key, POSTGRES_PASSWORD: "canary" });
    expect(message).toContain("POSTGRES_HOST: is missing");
    expect(message).toContain("POSTGRES_USER: is missing");
    expect(message).not.toContain("canary");
  });

  test("is taken from DATABASE_URL where parts are set as well, and says so", () => {
    const env = { ...key, DATABASE_URL: "postgres://u@h/d", POSTGRES_PASSWORD: "x" };
    expect(targetOf(env)).toMatchObject({ host: "h", password: undefined });
    expect(warningsOf(env)).toEqual(["DATABASE_URL is used, and POSTGRES_PASSWORD is not"]);
  });

  test("has a direct connection beside a pooled one", () => {
    const env = { ...key, DATABASE_URL: "postgres://u@pool/d", DATABASE_DIRECT_URL: "postgres://u@direct/d" };
    expect(load(env).database).toMatchObject({ target: { host: "pool" }, direct: { host: "direct" } });
    expect(load({ ...env, DATABASE_DIRECT_URL: env.DATABASE_URL }).database).toMatchObject({ direct: undefined });
    expect(errorOf({ ...key, DATABASE_DIRECT_URL: "postgres://u@direct/d" })).toContain("there is no DATABASE_URL");
  });

  test("does not ask a pooler at login what it once heard of the server behind it", () => {
    const database = loadDatabaseConfig(
      {
        DATABASE_URL: "postgres://u@pool-a,pool-b/d?target_session_attrs=read-write",
        DATABASE_DIRECT_URL: "postgres://u@a,b/d?target_session_attrs=read-write",
      },
      filesOf(files),
    );
    expect(database).toMatchObject({ target: { mustWrite: false }, direct: { mustWrite: true } });
  });

  test("has its direct connection lead to the same schema, also for the commands", () => {
    const directOf = (url: string, direct: string) => {
      const database = loadDatabaseConfig({ DATABASE_URL: url, DATABASE_DIRECT_URL: direct }, filesOf(files));
      return database.kind === "postgres" ? database.direct?.session : undefined;
    };
    const url = "postgres://u@pool/d?schema=tokens";
    expect(directOf(url, "postgres://u@direct/d")).toEqual({ search_path: '"tokens"' });
    expect(directOf(url, "postgres://u@direct/d?schema=others")).toEqual({ search_path: '"others"' });
    expect(directOf("postgres://u@pool/d", "postgres://u@direct/d")).toEqual({});
  });

  test("is embedded in DATA_DIR, or where the earlier service kept its file", () => {
    expect(load({ DATA_DIR: "/data" }).database).toEqual({ kind: "embedded", dataDir: "/data" });
    expect(load({ CENTRAL_OAUTH_DB_PATH: "/var/lib/oauth/tokens.db" }).database).toEqual({
      kind: "embedded",
      dataDir: "/var/lib/oauth",
    });
  });
});

describe("what Kubernetes says of services beside this one", () => {
  test("is no setting: the default is taken, and the operator told", () => {
    const link = "tcp://10.0.0.1:5432";
    const env = {
      POSTGRES_PORT: link,
      GRPC_PORT: link,
      INTERNAL_PORT: "udp://10.0.0.1:53",
      POSTGRES_SERVICE_PORT: "1",
    };
    const { config, warnings } = loadConfig(env, filesOf({}));
    expect(config.database.kind, "a lone POSTGRES_PORT names no database").toBe("embedded");
    expect([config.grpc.port, config.internal.port]).toEqual([50_051, 8011]);
    expect(warnings).toEqual(
      ["POSTGRES_PORT", "GRPC_PORT", "INTERNAL_PORT"].map(
        (name) => `${name} is what Kubernetes says of a service of that name, and is taken for unset`,
      ),
    );
  });

  test("does not hide a database in parts", () => {
    const env = { POSTGRES_HOST: "db", POSTGRES_USER: "me", POSTGRES_PORT: "tcp://10.0.0.1:6000" };
    expect(targetOf(env)).toMatchObject({ host: "db", port: 5432 });
    expect(errorOf({ PORT: "tcp://10.0.0.1:80" })).toContain("PORT: tcp://10.0.0.1:80 is not a whole number");
  });
});

describe("the encryption key", () => {
  test("is required with Postgres, and the message says how to make one", () => {
    const message = errorOf({ DATABASE_URL: "postgres://u@h/d" });
    expect(message).toContain("TOKEN_ENCRYPTION_KEY: is required with Postgres; run `npm run -s ots -- keys generate`");
  });

  test("may be several, with and without padding", () => {
    const keys = `${fernetKey}, ${fernetKey.slice(0, -1)}`;
    expect(load({ TOKEN_ENCRYPTION_KEY: keys }).encryption.keys?.reveal()).toBe(keys);
  });

  test.each(["canary", fernetKey.slice(1), `${fernetKey.slice(0, 42)}+=`, ""])(
    "is refused by its place when it is %s",
    (bad) => {
      const message = errorOf({ TOKEN_ENCRYPTION_KEY: `${fernetKey},${bad}` });
      expect(message).toContain("TOKEN_ENCRYPTION_KEY: key 2 is not 32 bytes in URL-safe base64");
      expect(message).not.toContain("MDEyMz");
      expect(message).not.toContain("canary");
    },
  );

  test("seals with the cipher that is set", () => {
    expect(load({ TOKEN_CIPHER: "aes-256-gcm" }).encryption.cipher).toBe("aes-256-gcm");
  });
});

describe("what a URL asks of sessions", () => {
  const askedBy = (query: string) => {
    const { database } = load({ ...key, DATABASE_URL: `postgres://u@localhost/d?${query}` });
    return database.kind === "postgres" ? database.target.session : undefined;
  };

  test.each([
    ["schema=tokens", { search_path: '"tokens"' }],
    ["currentSchema=My%20%22own%22", { search_path: '"My ""own"""' }],
    ["search_path=a,b", { search_path: "a,b" }],
    ["options=-c%20search_path%3Da%2Cb%20-cwork_mem=5MB", { search_path: "a,b", work_mem: "5MB" }],
    ["options=--app.word%3Da%5C%20b", { "app.word": "a b" }],
    ["schema=tokens&options=-c%20search_path=%22tokens%22", { search_path: '"tokens"' }],
    ["sslmode=disable", {}],
  ])("%s", (query, asked) => {
    expect(askedBy(query)).toEqual(asked);
  });

  test.each([
    ["options=endpoint%3Dep-1", "its options hold more than -c name=value"],
    ["schema=a&search_path=b", "it asks for two different values of search_path"],
    ["options=-c%20Statement_Timeout%3D5", "it asks for Statement_Timeout, which the service sets itself"],
    ["options=-c%20datestyle%3DGerman", "it asks for datestyle, which the service sets itself"],
    ["sslmode=prefer&options=-c%20timezone%3DUTC", "it asks for timezone, which the service sets itself"],
  ])("is refused where it is not understood, or is not anybody's to ask for: %s", (query, wrong) => {
    expect(errorOf({ ...key, DATABASE_URL: `postgres://u@localhost/d?${query}` })).toContain(wrong);
  });
});
