import type { PostgresTarget } from "../postgres-target.ts";
import type { Secret } from "../secret.ts";
import { createSettingReader, type Environment, type ReadFile } from "../settings/setting-reader.ts";
import { type DatabaseConfig, readDatabase, readUrlText } from "./database.ts";
import { type EncryptionConfig, readEncryption } from "./encryption.ts";
import { type Listeners, readListeners } from "./listeners.ts";
import { serviceSettings } from "./settings.ts";

/** Only what a command that migrates needs: it may run with fewer rights, and fewer secrets, than the service. */
export function loadDatabaseConfig(env: Environment, readFile: ReadFile): DatabaseConfig {
  const reader = createSettingReader(serviceSettings, env, readFile);
  const database = readDatabase(reader);
  reader.finish();
  return database;
}

/** A database beside the service's own, by its URL; `name` is what that is called in complaints. */
export function loadOtherDatabase(name: string, url: Secret, readFile: ReadFile): PostgresTarget {
  const reader = createSettingReader(serviceSettings, {}, readFile);
  const target = readUrlText(reader, name, url);
  reader.finish();
  return target;
}

export interface SealingConfig {
  readonly database: DatabaseConfig;
  readonly encryption: EncryptionConfig;
}

/** Only what a command that opens what is stored needs. */
export function loadSealingConfig(env: Environment, readFile: ReadFile): SealingConfig {
  const reader = createSettingReader(serviceSettings, env, readFile);
  const database = readDatabase(reader);
  const encryption = readEncryption(reader, database.kind);
  reader.finish();
  return { database, encryption };
}

/** Only where the service listens. */
export function loadListeners(env: Environment, readFile: ReadFile): Listeners {
  const reader = createSettingReader(serviceSettings, env, readFile);
  const listeners = readListeners(reader);
  reader.finish();
  return listeners;
}

/** Only the path of the caller file; undefined if AUTH_CONFIG is not set. */
export function loadAuthConfig(env: Environment, readFile: ReadFile): string | undefined {
  const reader = createSettingReader(serviceSettings, env, readFile);
  const path = reader.text("AUTH_CONFIG");
  reader.finish();
  return path;
}
