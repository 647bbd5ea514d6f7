import { describe, expect, test } from "vitest";
import { errorOf, fernetKey, load, warningsOf } from "./load.ts";

const key = { TOKEN_ENCRYPTION_KEY: fernetKey };

function urlOf(env: Readonly<Record<string, string>>): string | undefined {
  const { database } = load({ ...key, ...env });
  return database.kind === "postgres" ? database.url.reveal() : undefined;
}

describe("the database", () => {
  test.each([
    "postgres://u:p@h/d",
    "postgresql://u:p@h:5433/d?sslmode=require",
    "postgresql+asyncpg://agent:agent@postgres:5432/agent_system",
  ])("at %s is Postgres", (url) => {
    expect(urlOf({ DATABASE_URL: url })).toBe(url);
  });

  test.each(["mysql://u:canary@h/d", "canary:5432/d", "postgresql://u:can/ary#@h:x/d"])(
    "at %s is refused, unrepeated",
    (url) => {
      const message = errorOf({ ...key, DATABASE_URL: url });
      expect(message).toContain("DATABASE_URL: this is not a Postgres URL");
      expect(message).not.toContain(url);
    },
  );

  test("may be given in parts, whose special characters survive", () => {
    expect(
      urlOf({
        POSTGRES_HOST: "db",
        POSTGRES_PORT: "5433",
        POSTGRES_USER: "me",
        POSTGRES_PASSWORD: "p@/:#",
        POSTGRES_DB: "tokens",
      }),
    ).toBe("postgresql://me:p%40%2F%3A%23@db:5433/tokens");
    expect(urlOf({ POSTGRES_HOST: "::1", POSTGRES_USER: "me" })).toBe("postgresql://me@[::1]:5432/me");
  });

  test("needs the host and the user among its parts", () => {
    const message = errorOf({ ...key, POSTGRES_PASSWORD: "canary" });
    expect(message).toContain("POSTGRES_HOST: is missing");
    expect(message).toContain("POSTGRES_USER: is missing");
    expect(message).not.toContain("canary");
  });

  test("is taken from DATABASE_URL where parts are set as well, and says so", () => {
    const env = { ...key, DATABASE_URL: "postgres://u@h/d", POSTGRES_PASSWORD: "x" };
    expect(urlOf(env)).toBe("postgres://u@h/d");
    expect(warningsOf(env)).toEqual(["DATABASE_URL is used, and POSTGRES_PASSWORD is not"]);
  });

  test("has a direct connection beside a pooled one", () => {
    const env = { ...key, DATABASE_URL: "postgres://u@pool/d", DATABASE_DIRECT_URL: "postgres://u@direct/d" };
    const { database } = load(env);
    expect(database.kind === "postgres" && database.directUrl?.reveal()).toBe("postgres://u@direct/d");
    expect(errorOf({ ...key, DATABASE_DIRECT_URL: "postgres://u@direct/d" })).toContain("there is no DATABASE_URL");
  });

  test("is embedded in DATA_DIR, or where the earlier service kept its file", () => {
    expect(load({ DATA_DIR: "/data" }).database).toEqual({ kind: "embedded", dataDir: "/data" });
    expect(load({ CENTRAL_OAUTH_DB_PATH: "/var/lib/oauth/tokens.db" }).database).toEqual({
      kind: "embedded",
      dataDir: "/var/lib/oauth",
    });
  });
});

describe("the encryption key", () => {
  test("is required with Postgres, and the message says how to make one", () => {
    const message = errorOf({ DATABASE_URL: "postgres://u@h/d" });
    expect(message).toContain(
      "TOKEN_ENCRYPTION_KEY: is required with Postgres; run `npx oauth-token-service keys generate`",
    );
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
