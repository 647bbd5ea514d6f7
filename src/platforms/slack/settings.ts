import type { Secret } from "../../secret.ts";
import {
  type ClientSettings,
  isConfigured,
  readRequired,
  readRequiredSecret,
  readRotatingSecret,
  readScopes,
} from "../../settings/client-settings.ts";
import type { Setting } from "../../settings/setting.ts";
import type { SettingReader } from "../../settings/setting-reader.ts";
import { readBaseAddress } from "../../settings/urls.ts";

export const slackSettings = [
  { name: "SLACK_CLIENT_ID", meaning: "Slack app (`slack`): client id." },
  { name: "SLACK_CLIENT_SECRET", secret: true, meaning: "Slack app: client secret." },
  {
    name: "SLACK_SIGNING_SECRET",
    secret: true,
    meaning: "Slack app: signing secret; two, comma separated, while rotating.",
  },
  {
    name: "SLACK_SCOPES",
    default: "chat:write channels:read app_mentions:read users:read reactions:write",
    meaning: "Slack app: scopes of the bot; `none`, or empty beside SLACK_USER_SCOPES, for people only.",
  },
  { name: "SLACK_USER_SCOPES", default: "none", meaning: "Slack app: scopes of the installing person's own token." },
  { name: "SLACK_URL", default: "https://slack.com", meaning: "Slack; its API is `$SLACK_URL/api/`." },
  { name: "SLACK_STATE_SECRET", secret: true, meaning: "Accepted from the earlier service; not needed." },
] as const satisfies readonly Setting[];

export type SlackSetting = (typeof slackSettings)[number];
type Reader = SettingReader<SlackSetting>;

export interface SlackConfig {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Of the bot. */
  readonly scopes: readonly string[];
  /** Of the person who installs; a token of its own comes with them. */
  readonly userScopes: readonly string[];
  /** `https://slack.com`, without a trailing slash; the API is at `/api/` below it. */
  readonly slackUrl: string;
  /** What its events are signed with: the values in use, two while one is being rotated. */
  readonly signingSecrets: readonly Secret[];
}

export const slackApp: ClientSettings<SlackSetting> = {
  title: "Slack app",
  required: [["SLACK_CLIENT_ID"], ["SLACK_CLIENT_SECRET"]],
  optional: ["SLACK_SIGNING_SECRET"],
};

/** The Slack app; undefined: not configured. */
export function readSlack(reader: Reader): SlackConfig | undefined {
  if (reader.isGiven("SLACK_STATE_SECRET")) reader.warn("SLACK_STATE_SECRET is not needed: every state is random");
  if (!isConfigured(reader, slackApp)) return undefined;
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
    signingSecrets: readRotatingSecret(reader, "SLACK_SIGNING_SECRET"),
  };
}
