import type { PlatformConfigs } from "./platforms.ts";
import { settings } from "./settings.ts";

/** Where calls go unless a setting says otherwise. */
const defaults = new Set(
  settings.flatMap((setting) =>
    "default" in setting && setting.default.startsWith("https://") ? [hostOf(setting.default)] : [],
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
