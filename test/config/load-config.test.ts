import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load-config.ts";
import { ConfigError } from "../../src/settings/config-error.ts";
import { errorOf, filesOf, load, warningsOf } from "./load.ts";

describe("loadConfig", () => {
  test("needs nothing: everything has a default that works on one machine", () => {
    expect(load({})).toMatchObject({
      public: {
        host: "127.0.0.1",
        port: 8010,
        installMode: "open",
        allowedReturnOrigins: ["http://localhost:8010"],
      },
      grpc: { host: "127.0.0.1", port: 50051 },
      internal: { host: "127.0.0.1", port: 8011 },
      database: { kind: "embedded", dataDir: "./data" },
      encryption: { keys: undefined, cipher: "fernet" },
      log: { level: "info" },
      drainSeconds: 20,
      cacheMaxEntries: 50_000,
      notConfigured: ["github", "github-oauth", "jira", "confluence", "slack", "sentry"],
    });
  });

  test("reports every problem at once, one line each, with what to set", () => {
    const message = errorOf({ PORT: "http", LOG_LEVEL: "loud", DRAIN_SECONDS: "-1", TOKEN_CIPHER: "rot13" });
    expect(message.split("\n")).toHaveLength(5);
    for (const name of ["PORT", "LOG_LEVEL", "DRAIN_SECONDS", "TOKEN_CIPHER"]) {
      expect(message).toMatch(new RegExp(`^ {2}${name}: .+; set .+$`, "m"));
    }
  });

  test("names likely misspellings beside the problems they cause", () => {
    expect(errorOf({ GITHUB_APPID: "1", GITHUB_CLIENT_ID: "x" })).toContain(
      "GITHUB_APPID is not a setting; GITHUB_APP_ID is",
    );
  });

  test("carries the problems as data too", () => {
    expect(() => loadConfig({ PORT: "x" }, filesOf({}))).toThrow(ConfigError);
    try {
      load({ PORT: "x" });
    } catch (error) {
      expect(error instanceof ConfigError && error.problems.map(({ setting }) => setting)).toEqual(["PORT"]);
    }
  });

  test("takes a blank setting for an absent one, as compose files pass them on", () => {
    expect(load({ GITHUB_APP_ID: "", PORT: " ", DATABASE_URL: "" })).toEqual(load({}));
  });

  test.each([
    ["debug", "debug"],
    ["INFO", "info"],
    ["WARNING", "warn"],
    ["CRITICAL", "fatal"],
  ])("reads the log level %s as %s", (given, level) => {
    expect(load({ LOG_LEVEL: given }).log.level).toBe(level);
    expect(load({ CENTRAL_OAUTH_LOG_LEVEL: given }).log.level).toBe(level);
  });

  test("refuses two names of one setting that disagree", () => {
    expect(errorOf({ LOG_LEVEL: "info", CENTRAL_OAUTH_LOG_LEVEL: "debug" })).toContain(
      "LOG_LEVEL: LOG_LEVEL and CENTRAL_OAUTH_LOG_LEVEL name different values",
    );
    expect(errorOf({ LOG_LEVEL: "info", CENTRAL_OAUTH_LOG_LEVEL: "info" })).toBe("");
  });

  test("reads the proxy under its usual names and keeps its password secret", () => {
    const { proxy } = load({ https_proxy: "http://u:canary@proxy:3128", NO_PROXY: ".internal" });
    expect(proxy.httpsProxy?.reveal()).toBe("http://u:canary@proxy:3128");
    expect(proxy.noProxy).toBe(".internal");
    expect(warningsOf({ NO_PROXY: "10.0.0.0/8, fd00::/8,10.0.0.0/33 host/x" })).toEqual([
      "NO_PROXY: 10.0.0.0/33 is not a network, and is ignored",
      "NO_PROXY: host/x is not a network, and is ignored",
    ]);
    expect(JSON.stringify(proxy)).not.toContain("canary");
    expect(errorOf({ HTTPS_PROXY: "socks5://u:canary@proxy" })).toContain("HTTPS_PROXY");
    expect(errorOf({ HTTPS_PROXY: "socks5://u:canary@proxy" })).not.toContain("canary");
  });
});
