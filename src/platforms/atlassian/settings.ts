import type { Secret } from "../../secret.ts";
import {
  type ClientSettings,
  isConfigured,
  readAddressPair,
  readRequired,
  readRequiredSecret,
  readScopes,
} from "../../settings/client-settings.ts";
import { readChoice } from "../../settings/scalars.ts";
import type { Reader, ServiceSetting } from "../../config/settings.ts";

export interface AtlassianConfig {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Of Jira and Confluence together, and `offline_access`: a later consent replaces the scopes of the grant. */
  readonly scopes: readonly string[];
  /** Whether a challenge is sent (RFC 7636). */
  readonly pkce: boolean;
  /** Without a slash at the end. */
  readonly authUrl: string;
  readonly apiUrl: string;
}

const app: ClientSettings<ServiceSetting> = {
  title: "Atlassian app",
  required: [["JIRA_CLIENT_ID"], ["JIRA_CLIENT_SECRET"]],
};

/** One app for Jira and Confluence; undefined: not configured. */
export function readAtlassian(reader: Reader): AtlassianConfig | undefined {
  if (!isConfigured(reader, app)) return undefined;
  const [authUrl, apiUrl] = readAddressPair(reader, "ATLASSIAN_AUTH_URL", "ATLASSIAN_API_URL", "set both");
  const jira = readScopes(reader, "JIRA_SCOPES");
  const confluence = readScopes(reader, "CONFLUENCE_SCOPES");
  if (jira.length + confluence.length === 0) {
    reader.problem("JIRA_SCOPES", "is none, and so is CONFLUENCE_SCOPES", "set the scopes of at least one of them");
  }
  return {
    clientId: readRequired(reader, "JIRA_CLIENT_ID"),
    clientSecret: readRequiredSecret(reader, "JIRA_CLIENT_SECRET"),
    scopes: [...new Set([...jira, ...confluence, "offline_access"])],
    pkce: readChoice(reader, "JIRA_PKCE", ["on", "off"]) === "on",
    authUrl,
    apiUrl,
  };
}
