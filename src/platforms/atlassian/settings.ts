import { Secret } from "../../secret.ts";
import {
  type ClientSettings,
  isConfigured,
  readAddressPair,
  readRequired,
  readRotatingSecret,
  readScopes,
} from "../../settings/client-settings.ts";
import { readChoice } from "../../settings/scalars.ts";
import type { Setting } from "../../settings/setting.ts";
import type { SettingReader } from "../../settings/setting-reader.ts";

export const atlassianSettings = [
  { name: "JIRA_CLIENT_ID", meaning: "Atlassian app (`jira` and `confluence`): client id." },
  {
    name: "JIRA_CLIENT_SECRET",
    secret: true,
    meaning:
      "Atlassian app: client secret; two, comma separated, while rotating: events signed with either are accepted.",
  },
  {
    name: "JIRA_SCOPES",
    default: "read:jira-work write:jira-work read:jira-user manage:jira-webhook",
    meaning: "Atlassian app: Jira scopes; `offline_access` is added.",
  },
  {
    name: "CONFLUENCE_SCOPES",
    default: "none",
    meaning: "Atlassian app: Confluence scopes, asked for in the same consent.",
  },
  { name: "JIRA_PKCE", default: "on", meaning: "Atlassian app: `on` sends a PKCE challenge, `off` does not." },
  { name: "ATLASSIAN_AUTH_URL", default: "https://auth.atlassian.com", meaning: "Atlassian's authorization server." },
  {
    name: "ATLASSIAN_API_URL",
    default: "https://api.atlassian.com",
    meaning: "Atlassian's API; set it together with ATLASSIAN_AUTH_URL.",
  },
] as const satisfies readonly Setting[];

export type AtlassianSetting = (typeof atlassianSettings)[number];
type Reader = SettingReader<AtlassianSetting>;

export interface AtlassianConfig {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** What its events are signed with: the client secret, two while it is being rotated. */
  readonly webhookSecrets: readonly Secret[];
  /** Of Jira and Confluence together: a later consent replaces the scopes of the grant. `offline_access` is added. */
  readonly scopes: readonly string[];
  /** Whether to send an S256 challenge; Atlassian advertises it but does not promise it for 3LO apps. */
  readonly pkce: boolean;
  /** `https://auth.atlassian.com`, without a trailing slash. */
  readonly authUrl: string;
  /** `https://api.atlassian.com`, without a trailing slash. */
  readonly apiUrl: string;
}

export const atlassianApp: ClientSettings<AtlassianSetting> = {
  title: "Atlassian app",
  required: [["JIRA_CLIENT_ID"], ["JIRA_CLIENT_SECRET"]],
};

/** One app for Jira and Confluence; undefined: not configured. */
export function readAtlassian(reader: Reader): AtlassianConfig | undefined {
  if (!isConfigured(reader, atlassianApp)) return undefined;
  const [authUrl, apiUrl] = readAddressPair(reader, "ATLASSIAN_AUTH_URL", "ATLASSIAN_API_URL", "set both");
  const jira = readScopes(reader, "JIRA_SCOPES");
  const confluence = readScopes(reader, "CONFLUENCE_SCOPES");
  if (jira.length + confluence.length === 0) {
    reader.problem("JIRA_SCOPES", "is none, and so is CONFLUENCE_SCOPES", "set the scopes of at least one of them");
  }
  const webhookSecrets = readRotatingSecret(reader, "JIRA_CLIENT_SECRET");
  return {
    clientId: readRequired(reader, "JIRA_CLIENT_ID"),
    clientSecret: webhookSecrets[0] ?? new Secret(""),
    webhookSecrets,
    scopes: [...new Set([...jira, ...confluence, "offline_access"])],
    pkce: readChoice(reader, "JIRA_PKCE", ["on", "off"]) === "on",
    authUrl,
    apiUrl,
  };
}
