import { describe, expect, test } from "vitest";
import { Secret } from "../../src/secret.ts";
import { isLocal, parsePostgresUrl } from "../../src/storage/postgres-url.ts";

const parse = (text: string) => parsePostgresUrl("DATABASE_URL", new Secret(text));

describe("a Postgres URL", () => {
  test.each([
    ["postgresql://u:p@db.example:6432/tokens", { host: "db.example", port: 6432, database: "tokens", user: "u" }],
    ["postgres://u@db.example/tokens", { host: "db.example", port: 5432, database: "tokens", password: undefined }],
    ["postgresql+asyncpg://u:p@[::1]/tokens", { host: "::1", port: 5432, database: "tokens" }],
    ["postgresql://u%40x:p%2F@h/a%20b", { user: "u@x", database: "a b" }],
    ["postgresql:///tokens?host=/run/postgresql&user=u", { host: "/run/postgresql", database: "tokens", user: "u" }],
    ["postgresql://h", { host: "h", database: "postgres", user: undefined }],
    ["postgresql://u@h", { host: "h", database: "u", user: "u" }],
  ])("%s is read", (text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });

  test("keeps the password wrapped", () => {
    const target = parse("postgresql://u:p%2F@h/d");
    expect(target.password?.reveal()).toBe("p/");
    expect(JSON.stringify(target)).not.toContain("p/");
  });

  test("encrypts and verifies from sslmode=require on, and never falls back by itself", () => {
    expect(parse("postgresql://h/d").tls).toBeUndefined();
    expect(parse("postgresql://h/d?sslmode=disable").tls).toBeUndefined();
    for (const mode of ["sslmode=require", "sslmode=verify-full", "ssl=require"]) {
      expect(parse(`postgresql://h/d?${mode}`).tls).toEqual({ ca: undefined });
    }
    expect(() => parse("postgresql://h/d?sslmode=prefer")).toThrow("use verify-full, or disable");
    expect(() => parse("postgresql://h/d?sslmode=require&sslrootcert=/nowhere.pem")).toThrow(
      "/nowhere.pem cannot be read",
    );
  });

  test("names the parameters that it ignores", () => {
    expect(parse("postgresql://h/d?pgbouncer=true&sslmode=disable").ignored).toEqual(["pgbouncer"]);
  });

  test.each(["mysql://u:canary@h/d", "u:canary@h/d", "postgresql://u:canary@h:port/d", "postgresql://u:%canary@h/d"])(
    "%s is refused without being repeated",
    (text) => {
      expect(() => parse(text)).toThrow(/^DATABASE_URL is not a URL of the form/);
      expect(() => parse(text)).not.toThrow(/canary/);
    },
  );

  test("is local on loopback and Unix sockets only", () => {
    const local = ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "%2Frun"].map((host) =>
      parse(`postgresql://${host}/d`),
    );
    expect(local.map(isLocal)).toEqual([true, true, true, true, true]);
    expect(["db", "127.example", "10.0.0.1"].map((host) => isLocal(parse(`postgresql://${host}/d`)))).toEqual([
      false,
      false,
      false,
    ]);
  });
});
