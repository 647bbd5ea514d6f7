const labels: ReadonlyMap<string, string> = new Map([
  ["github", "GitHub"],
  ["github-oauth", "GitHub"],
  ["jira", "Jira"],
  ["confluence", "Confluence"],
  ["slack", "Slack"],
  ["sentry", "Sentry"],
]);

/** The name people know a platform by; undefined for one we have no name for, whose given name may be anything. */
export function platformLabel(platform: string | undefined): string | undefined {
  return platform === undefined ? undefined : labels.get(platform);
}
