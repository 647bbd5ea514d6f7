import type { Secret } from "../secret.ts";
import {
  defaultOf,
  isConfigured,
  type PlatformSettings,
  readRequired,
  readRequiredSecret,
} from "./platform-settings.ts";
import { readWords } from "./scalars.ts";
import type { SettingReader } from "./setting-reader.ts";
import { readBaseAddress } from "./urls.ts";

export interface SlackConfig {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Of the bot. */
  readonly scopes: readonly string[];
  /** Of the person who installs. */
  readonly userScopes: readonly string[];
  /** Without a slash at the end; the API is at `/api/` below it. */
  readonly slackUrl: string;
}

const app: PlatformSettings = {
  title: "Slack app",
  required: [["SLACK_CLIENT_ID"], ["SLACK_CLIENT_SECRET"]],
  optional: ["SLACK_SIGNING_SECRET"],
};

/** The Slack app; undefined: not configured. */
export function readSlack(reader: SettingReader): SlackConfig | undefined {
  if (reader.isGiven("SLACK_STATE_SECRET")) reader.warn("SLACK_STATE_SECRET is not needed: every state is random");
  if (!isConfigured(reader, app)) return undefined;
  return {
    clientId: readRequired(reader, "SLACK_CLIENT_ID"),
    clientSecret: readRequiredSecret(reader, "SLACK_CLIENT_SECRET"),
    scopes: readWords(reader, "SLACK_SCOPES", defaultOf("SLACK_SCOPES").split(" ")),
    userScopes: readWords(reader, "SLACK_USER_SCOPES", []),
    slackUrl: readBaseAddress(reader, "SLACK_URL", defaultOf("SLACK_URL")),
  };
}
