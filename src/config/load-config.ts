import { type ConfiguredPlatform, hostOf, type Registry } from "../platforms/create-registry.ts";
import type { Product } from "../platforms/module.ts";
import { registry } from "../platforms/registry.ts";
import type { Redact } from "../secret-shapes.ts";
import { findNearNames } from "../settings/near-names.ts";
import { readInteger } from "../settings/scalars.ts";
import { knownNames, secretNames } from "../settings/setting.ts";
import { createSettingReader, type Environment, type ReadFile } from "../settings/setting-reader.ts";
import { type DatabaseConfig, readDatabase } from "./database.ts";
import { type EncryptionConfig, readEncryption } from "./encryption.ts";
import { type ForwardingConfig, readForwarding } from "./forwarding.ts";
import { type Listeners, readListeners } from "./listeners.ts";
import { type LogLevel, readLogLevel } from "./log-level.ts";
import { readOtlpEndpoint } from "./otlp.ts";
import { type ProxyConfig, readProxy } from "./proxy.ts";
import { type Reader, withPlatforms } from "./settings.ts";

/** The whole configuration, read once at start. */
export interface Config extends Listeners {
  /** Path of the caller file; undefined: callers are not told apart. */
  readonly authConfig: string | undefined;
  readonly database: DatabaseConfig;
  readonly encryption: EncryptionConfig;
  /** Those that have settings. */
  readonly platforms: readonly ConfiguredPlatform[];
  /** All that callers may name, configured or not. */
  readonly products: readonly Product[];
  /** The names of those whose tokens can be narrowed. */
  readonly narrowable: readonly string[];
  /** The names of those that no configured platform serves. */
  readonly notConfigured: readonly string[];
  /** By product: the settings that configure it, those of which one is enough as one entry. */
  readonly needs: ReadonlyMap<string, readonly (readonly string[])[]>;
  /** Hosts of platforms elsewhere, such as an Enterprise Server, and of who hears of events and alerts: these may be in a private network. */
  readonly ownHosts: ReadonlySet<string>;
  /** Replaces what looks like a secret of any known platform. */
  readonly redact: Redact;
  readonly log: { readonly level: LogLevel };
  /** How long running calls may take to finish at shutdown. */
  readonly drainSeconds: number;
  /** Most tokens kept in memory. */
  readonly cacheMaxEntries: number;
  /** How long the record is kept. */
  readonly auditRetentionDays: number;
  /** Where events go; undefined: nowhere. */
  readonly forwarding: ForwardingConfig | undefined;
  /** Where alerts go; undefined: nowhere. */
  readonly alerting: ForwardingConfig | undefined;
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
  known: Registry = registry,
): { readonly config: Config; readonly warnings: readonly string[] } {
  const settings = withPlatforms(known.settings);
  const reader = createSettingReader(settings, env, readFile);
  for (const { given, meant } of findNearNames(namesIn(env), knownNames(settings), known.foreignNames)) {
    reader.warn(`${given} is not a setting; ${meant} is`);
  }
  // Also those that nothing reads in this configuration: a mistake in them is one all the same.
  for (const name of secretNames(settings)) reader.secret(name);
  const own: Reader = reader;
  const database = readDatabase(own);
  const platforms = known.read(reader);
  const served = new Set(platforms.flatMap((platform) => platform.products));
  const read = {
    ...readListeners(own),
    authConfig: own.text("AUTH_CONFIG"),
    database,
    encryption: readEncryption(own, database.kind),
    platforms,
    products: known.products,
    narrowable: known.narrowable,
    notConfigured: known.productNames.filter((name) => !served.has(name)),
    needs: known.needs,
    redact: known.redact,
    log: { level: readLogLevel(own) },
    drainSeconds: readInteger(own, "DRAIN_SECONDS", { min: 0, max: 3600 }),
    cacheMaxEntries: readInteger(own, "CACHE_MAX_ENTRIES", { min: 1, max: 10_000_000 }),
    auditRetentionDays: readInteger(own, "AUDIT_RETENTION_DAYS", { min: 1, max: 36_500 }),
    forwarding: readForwarding(own, "events"),
    alerting: readForwarding(own, "alerts"),
    proxy: readProxy(own),
    otlpEndpoint: readOtlpEndpoint(own),
  };
  const warnings = reader.finish();
  const receivers = [read.forwarding, read.alerting].flatMap((one) => (one === undefined ? [] : [hostOf(one.url)]));
  const ownHosts = new Set([...platforms.flatMap((platform) => platform.ownHosts()), ...receivers]);
  return { config: { ...read, ownHosts }, warnings };
}

function namesIn(env: Environment): readonly string[] {
  return Object.keys(env).filter((name) => (env[name] ?? "").trim() !== "");
}
