import { findNearNames } from "../settings/near-names.ts";
import { readInteger } from "../settings/scalars.ts";
import { createSettingReader, type Environment, type ReadFile } from "../settings/setting-reader.ts";
import { type DatabaseConfig, readDatabase } from "./database.ts";
import { type EncryptionConfig, readEncryption } from "./encryption.ts";
import { type Listeners, readListeners } from "./listeners.ts";
import { type LogLevel, readLogLevel } from "./log-level.ts";
import { readOtlpEndpoint } from "./otlp.ts";
import { ownHosts } from "./own-hosts.ts";
import { notConfigured, type PlatformConfigs, readPlatforms, readWebhooks, type WebhookConfig } from "./platforms.ts";
import { type ProxyConfig, readProxy } from "./proxy.ts";
import { knownNames, secretSettings, settings } from "./settings.ts";
import { warnOfUnused } from "./unsupported.ts";

/** The whole configuration, read once at start. */
export interface Config extends Listeners {
  /** Path of the caller file; undefined: callers are not told apart. */
  readonly authConfig: string | undefined;
  readonly database: DatabaseConfig;
  readonly encryption: EncryptionConfig;
  readonly platforms: PlatformConfigs;
  /** The names callers use for platforms that are not configured. */
  readonly notConfigured: readonly string[];
  /** Hosts of platforms elsewhere, such as an Enterprise Server: these may be in a private network. */
  readonly ownHosts: ReadonlySet<string>;
  readonly webhooks: WebhookConfig;
  readonly log: { readonly level: LogLevel };
  /** How long running calls may take to finish at shutdown. */
  readonly drainSeconds: number;
  /** Most tokens kept in memory. */
  readonly cacheMaxEntries: number;
  /** How long the record is kept. */
  readonly auditRetentionDays: number;
  readonly proxy: ProxyConfig;
  /** Where spans go; undefined: nowhere. */
  readonly otlpEndpoint: string | undefined;
}

/**
 * Reads the settings. Pure but for `readFile`.
 * @throws ConfigError that lists everything that is wrong; no secret is in it.
 */
export function loadConfig(
  env: Environment,
  readFile: ReadFile,
): { readonly config: Config; readonly warnings: readonly string[] } {
  const reader = createSettingReader(settings, env, readFile);
  for (const { given, meant } of findNearNames(namesIn(env), knownNames())) {
    reader.warn(`${given} is not a setting; ${meant} is`);
  }
  warnOfUnused(reader);
  // Also those that nothing reads in this configuration: a mistake in them is one all the same.
  for (const name of secretSettings) reader.secret(name);
  const database = readDatabase(reader);
  const platforms = readPlatforms(reader);
  const config: Config = {
    ...readListeners(reader),
    authConfig: reader.text("AUTH_CONFIG"),
    database,
    encryption: readEncryption(reader, database.kind),
    platforms,
    notConfigured: notConfigured(platforms),
    ownHosts: ownHosts(platforms),
    webhooks: readWebhooks(reader),
    log: { level: readLogLevel(reader) },
    drainSeconds: readInteger(reader, "DRAIN_SECONDS", { min: 0, max: 3600 }),
    cacheMaxEntries: readInteger(reader, "CACHE_MAX_ENTRIES", { min: 1, max: 10_000_000 }),
    auditRetentionDays: readInteger(reader, "AUDIT_RETENTION_DAYS", { min: 1, max: 36_500 }),
    proxy: readProxy(reader),
    otlpEndpoint: readOtlpEndpoint(reader),
  };
  return { config, warnings: reader.finish() };
}

/** Only what a command that migrates needs: it may run with fewer rights, and fewer secrets, than the service. */
export function loadDatabaseConfig(env: Environment, readFile: ReadFile): DatabaseConfig {
  const reader = createSettingReader(settings, env, readFile);
  const database = readDatabase(reader);
  reader.finish();
  return database;
}

/** Only what a command that opens what is stored needs. */
export function loadSealingConfig(env: Environment, readFile: ReadFile): Pick<Config, "database" | "encryption"> {
  const reader = createSettingReader(settings, env, readFile);
  const database = readDatabase(reader);
  const encryption = readEncryption(reader, database.kind);
  reader.finish();
  return { database, encryption };
}

/** Only where the service listens. */
export function loadListeners(env: Environment, readFile: ReadFile): Listeners {
  const reader = createSettingReader(settings, env, readFile);
  const listeners = readListeners(reader);
  reader.finish();
  return listeners;
}

/** Only the path of the caller file; undefined if AUTH_CONFIG is not set. */
export function loadAuthConfig(env: Environment, readFile: ReadFile): string | undefined {
  const reader = createSettingReader(settings, env, readFile);
  const path = reader.text("AUTH_CONFIG");
  reader.finish();
  return path;
}

function namesIn(env: Environment): readonly string[] {
  return Object.keys(env).filter((name) => (env[name] ?? "").trim() !== "");
}
