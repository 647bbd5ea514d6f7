import type { Secret } from "../secret.ts";
import { readRotatingSecret } from "../settings/client-settings.ts";
import { type AtlassianConfig, readAtlassian } from "../platforms/atlassian/settings.ts";
import { type GithubConfig, type GithubOauthConfig, readGithub, readGithubOauth } from "../platforms/github/settings.ts";
import type { Reader } from "./settings.ts";
import { readSlack, type SlackConfig } from "../platforms/slack/settings.ts";

/** Third parties that we are registered with; undefined: not configured. */
export interface PlatformConfigs {
  readonly github: GithubConfig | undefined;
  readonly githubOauth: GithubOauthConfig | undefined;
  readonly atlassian: AtlassianConfig | undefined;
  readonly slack: SlackConfig | undefined;
}

/** What platforms sign their events with: the values in use, two while one is being rotated. */
export interface WebhookConfig {
  readonly githubSecrets: readonly Secret[];
  readonly slackSigningSecrets: readonly Secret[];
}

/** Every name callers may use for a platform, whether or not it is configured. */
export const knownPlatforms: readonly string[] = ["github", "github-oauth", "jira", "confluence", "slack", "sentry"];

export function readPlatforms(reader: Reader): PlatformConfigs {
  return {
    github: readGithub(reader),
    githubOauth: readGithubOauth(reader),
    atlassian: readAtlassian(reader),
    slack: readSlack(reader),
  };
}

export function readWebhooks(reader: Reader): WebhookConfig {
  return {
    githubSecrets: readRotatingSecret(reader, "GITHUB_WEBHOOK_SECRET"),
    slackSigningSecrets: readRotatingSecret(reader, "SLACK_SIGNING_SECRET"),
  };
}

/** The names callers use for what is not configured, for the start-up line. */
export function notConfigured(platforms: PlatformConfigs): readonly string[] {
  return [
    ...(platforms.github === undefined ? ["github"] : []),
    ...(platforms.githubOauth === undefined ? ["github-oauth"] : []),
    ...(platforms.atlassian === undefined ? ["jira", "confluence"] : []),
    ...(platforms.slack === undefined ? ["slack"] : []),
    // Known by name, but no setting of this version configures it.
    "sentry",
  ];
}
