import { defaultOf } from "../settings/client-settings.ts";
import type { PlatformConfigs } from "./platforms.ts";

/** Where calls go unless a setting says otherwise. */
const defaults = new Set(
  (["GITHUB_URL", "GITHUB_API_URL", "ATLASSIAN_AUTH_URL", "ATLASSIAN_API_URL", "SLACK_URL"] as const).map((name) =>
    hostOf(defaultOf(name)),
  ),
);

/**
 * The hosts that settings put in the place of the public ones: they may be in a private network. In lower case, without
 * brackets and without a dot at the end.
 */
export function ownHosts({ github, githubOauth, atlassian, slack }: PlatformConfigs): ReadonlySet<string> {
  const urls = [
    ...[github, githubOauth].flatMap((host) => (host === undefined ? [] : [host.webUrl, host.apiUrl])),
    ...(atlassian === undefined ? [] : [atlassian.authUrl, atlassian.apiUrl]),
    ...(slack === undefined ? [] : [slack.slackUrl]),
  ];
  return new Set(urls.map(hostOf).filter((host) => !defaults.has(host)));
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, "$1").replace(/(.)\.$/, "$1");
}
