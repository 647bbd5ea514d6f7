import { generateKeyPairSync } from "node:crypto";
import { allSettings } from "../../src/config/all-settings.ts";
import { type Config, loadConfig } from "../../src/config/load-config.ts";
import type { PlatformModule } from "../../src/platforms/module.ts";
import type { Setting } from "../../src/settings/setting.ts";
import { createSettingReader } from "../../src/settings/setting-reader.ts";

/** A file system of a few files. */
export function filesOf(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
    return text;
  };
}

export function load(env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}): Config {
  return loadConfig(env, filesOf(files)).config;
}

/** What a platform reads, where the rest of the settings is as good. */
export function readPlatform<PlatformConfig, S extends Setting>(
  module: PlatformModule<PlatformConfig, S>,
  env: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): PlatformConfig | undefined {
  load(env, files);
  const reader = createSettingReader(allSettings, env, filesOf(files));
  const config = module.read(reader);
  reader.finish();
  return config;
}

export function warningsOf(env: Readonly<Record<string, string>>): readonly string[] {
  return loadConfig(env, filesOf({})).warnings;
}

/** The message of the start-up error; empty if there is none. */
export function errorOf(env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}): string {
  try {
    load(env, files);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** A GitHub App's key in GitHub's own form, and in the other one. */
export const pkcs1 = pair.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
export const pkcs8 = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

export const fernetKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

export const githubApp = {
  GITHUB_APP_ID: "123",
  GITHUB_APP_NAME: "acme-bot",
  GITHUB_CLIENT_ID: "Iv1.abc",
  GITHUB_CLIENT_SECRET: "github-secret",
  GITHUB_PRIVATE_KEY: pkcs1,
};
export const atlassianApp = { JIRA_CLIENT_ID: "jira-id", JIRA_CLIENT_SECRET: "jira-secret" };
export const sentryApp = {
  SENTRY_INTEGRATION_SLUG: "acme-bot",
  SENTRY_CLIENT_ID: "sentry-id",
  SENTRY_CLIENT_SECRET: "sentry-secret",
};
export const slackApp = { SLACK_CLIENT_ID: "1.2", SLACK_CLIENT_SECRET: "slack-secret" };
