import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { programs } from "../../scripts/build/build.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { fernetKey, filesOf } from "../config/load.ts";
import { createAuthority } from "../support/certificates.ts";
import { readUnit } from "./unit-file.ts";

const unit = await readUnit("oauth-token-service.service");
const onPostgres = await readUnit("oauth-token-service.service", "oauth-token-service.service.d/postgres.conf");
const certificate = createAuthority().issue(["DNS:tokens.example"]);
const credentials = "/run/credentials/oauth-token-service.service";

function environmentOf(settings: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const lines = settings.get("Environment") ?? [];
  return Object.fromEntries(lines.map((line) => line.replace("%d", credentials).split(/=(.*)/s)));
}

describe("the systemd unit", () => {
  test("starts what is built, as a user of its own that the other file makes", async () => {
    const [command = ""] = unit.get("ExecStart") ?? [];
    const file = /^\/usr\/bin\/node --disable-sigusr1 \/opt\/oauth-token-service\/dist\/(\S+)\.js$/.exec(command)?.[1];
    expect(programs[file ?? ""]).toBeDefined();
    const user = await readFile(new URL("../../deploy/systemd/oauth-token-service.sysusers", import.meta.url), "utf8");
    expect(user).toMatch(/^u oauth-token-service - /);
    expect([unit.get("User"), unit.get("Group")]).toEqual([["oauth-token-service"], ["oauth-token-service"]]);
  });

  test("keeps its data where it may write, and is configured without a warning", () => {
    const { config, warnings } = loadConfig({ ...environmentOf(unit), BASE_URL: "http://localhost:8010" }, filesOf({}));
    expect(warnings).toEqual([]);
    expect(config.database).toEqual({ kind: "embedded", dataDir: "/var/lib/oauth-token-service/data" });
    expect(unit.get("StateDirectory")).toEqual(["oauth-token-service"]);
    expect(unit.get("ProtectSystem")).toEqual(["strict"]);
  });

  test("gets its secrets as credentials on Postgres, and reads what changes where it can change", () => {
    const files: Record<string, string> = {
      [`${credentials}/token_encryption_key`]: fernetKey,
      [`${credentials}/database_url`]: "postgresql://oauth_token_service:password@db.example/tokens",
      "/etc/oauth-token-service/tls.crt": certificate.cert,
      "/etc/oauth-token-service/tls.key": certificate.key,
    };
    const env = { ...environmentOf(onPostgres), BASE_URL: "https://tokens.example.com" };
    const { config, warnings } = loadConfig(env, filesOf(files));
    expect(warnings).toEqual([]);
    expect(config.database.kind).toBe("postgres");
    const loaded = onPostgres.get("LoadCredential")?.map((line) => line.split(":")[0]);
    expect(loaded).toEqual(["token_encryption_key", "database_url"]);
    // A credential is a copy of how its file was at the start.
    for (const path of [config.authConfig, config.tls?.cert, config.tls?.key])
      expect(path).toMatch(/^\/etc\/oauth-token-service\//);
  });

  test("gets through the folder of its settings, which is root's", () => {
    expect(unit.get("ConfigurationDirectory")).toEqual(["oauth-token-service"]);
    expect(Number.parseInt(unit.get("ConfigurationDirectoryMode")?.[0] ?? "755", 8) & 0o001).toBe(0o001);
  });

  test("has time to drain, and comes again only if it failed", () => {
    const { config } = loadConfig({}, filesOf({}));
    expect(Number(unit.get("TimeoutStopSec")?.[0])).toBeGreaterThanOrEqual(config.drainSeconds + 10);
    expect(unit.get("Restart")).toEqual(["on-failure"]);
    // For as long as its database is away: a start waits for that for some seconds, then fails.
    expect(unit.get("StartLimitIntervalSec")).toEqual(["0"]);
    expect(Number(unit.get("RestartSec")?.[0])).toBeGreaterThanOrEqual(5);
  });

  test("leaves no core behind, and lets V8 compile", () => {
    expect(unit.get("LimitCORE")).toEqual(["0"]);
    expect(unit.has("MemoryDenyWriteExecute")).toBe(false);
    expect(unit.get("SystemCallErrorNumber")).toEqual(["EPERM"]);
  });
});
