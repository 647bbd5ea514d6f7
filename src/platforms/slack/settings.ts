import type { Secret } from "../../secret.ts";
import {
  type ClientSettings,
  isConfigured,
  readRequired,
  readRequiredSecret,
  readScopes,
} from "../../settings/client-settings.ts";
import { readBaseAddress } from "../../settings/urls.ts";
import type { Reader, ServiceSetting } from "../../config/settings.ts";

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

const app: ClientSettings<ServiceSetting> = {
  title: "Slack app",
  required: [["SLACK_CLIENT_ID"], ["SLACK_CLIENT_SECRET"]],
  optional: ["SLACK_SIGNING_SECRET"],
};

/** The Slack app; undefined: not configured. */
export function readSlack(reader: Reader): SlackConfig | undefined {
  if (reader.isGiven("SLACK_STATE_SECRET")) reader.warn("SLACK_STATE_SECRET is not needed: every state is random");
  if (!isConfigured(reader, app)) return undefined;
  const userScopes = readScopes(reader, "SLACK_USER_SCOPES");
  const forPeople = userScopes.length > 0 && reader.isEmpty("SLACK_SCOPES");
  const scopes = readScopes(reader, "SLACK_SCOPES", forPeople ? "none" : undefined);
  if (scopes.length + userScopes.length === 0) {
    reader.problem("SLACK_SCOPES", "is none, and so is SLACK_USER_SCOPES", "set the scopes of at least one of them");
  }
  return {
    clientId: readRequired(reader, "SLACK_CLIENT_ID"),
    clientSecret: readRequiredSecret(reader, "SLACK_CLIENT_SECRET"),
    scopes,
    userScopes,
    slackUrl: readBaseAddress(reader, "SLACK_URL"),
  };
}
