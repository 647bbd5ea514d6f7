import { type AtlassianOptions, type AtlassianSandbox, startAtlassian } from "./atlassian/atlassian.ts";
import { type GithubOptions, type GithubSandbox, startGithub } from "./github/github.ts";
import type { PlatformOptions } from "./options.ts";
import { type SlackOptions, type SlackSandbox, startSlack } from "./slack/slack.ts";

export interface SandboxOptions extends Omit<PlatformOptions, "port"> {
  /** GitHub's port; Atlassian and Slack take the two after it. 0 or none: any free ones. */
  readonly portBase?: number;
  /** The service's `BASE_URL`: its callbacks are registered everywhere. Without it, those of the service's default. */
  readonly baseUrl?: string;
  readonly github?: GithubOptions;
  readonly atlassian?: AtlassianOptions;
  readonly slack?: SlackOptions;
}

export interface Sandbox {
  readonly github: GithubSandbox;
  readonly atlassian: AtlassianSandbox;
  readonly slack: SlackSandbox;
  /** The settings with which the service talks to these platforms. */
  readonly environment: Record<string, string>;
  /** Registers the callbacks of a service whose address is known only now. */
  useBaseUrl(baseUrl: string): void;
  close(): Promise<void>;
}

/** Starts all platforms on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { portBase = 0, baseUrl, github, atlassian, slack, ...common } = options;
  const port = (offset: number) => (portBase === 0 ? 0 : portBase + offset);
  const started = await Promise.allSettled([
    startGithub({ ...common, port: port(0), ...github }),
    startAtlassian({ ...common, port: port(1), ...atlassian }),
    startSlack({ ...common, port: port(2), ...slack }),
  ]);
  const [first, second, third] = started;
  if (first.status === "rejected" || second.status === "rejected" || third.status === "rejected") {
    await Promise.all(started.map((one) => (one.status === "fulfilled" ? one.value.close() : undefined)));
    throw started.find((one) => one.status === "rejected")?.reason;
  }
  const platforms = { github: first.value, atlassian: second.value, slack: third.value };
  const sandbox: Sandbox = {
    ...platforms,
    environment: environment(platforms),
    useBaseUrl(url) {
      const callback = (platform: string) => [`${url.replace(/\/$/, "")}/oauth/callback/${platform}`];
      platforms.github.controls.registerCallbacks(callback("github"));
      platforms.github.controls.registerCallbacks(callback("github-oauth"), "oauth");
      platforms.atlassian.controls.registerCallbacks(callback("jira"));
      platforms.slack.controls.registerCallbacks(callback("slack"));
    },
    async close() {
      await Promise.all([platforms.github.close(), platforms.atlassian.close(), platforms.slack.close()]);
    },
  };
  if (baseUrl !== undefined) sandbox.useBaseUrl(baseUrl);
  return sandbox;
}

function environment({ github, atlassian, slack }: Pick<Sandbox, "github" | "atlassian" | "slack">) {
  const isConfluence = (scope: string) => scope.includes("confluence");
  return {
    GITHUB_URL: github.url,
    GITHUB_API_URL: github.apiUrl,
    GITHUB_APP_ID: String(github.app.appId),
    GITHUB_APP_NAME: github.app.slug,
    GITHUB_CLIENT_ID: github.app.clientId,
    GITHUB_CLIENT_SECRET: github.app.clientSecret,
    GITHUB_PRIVATE_KEY: github.privateKeyPem,
    GITHUB_WEBHOOK_SECRET: "sandbox-github-webhook-secret",
    GITHUB_OAUTH_CLIENT_ID: github.oauthApp.clientId,
    GITHUB_OAUTH_CLIENT_SECRET: github.oauthApp.clientSecret,
    GITHUB_OAUTH_SCOPES: "repo read:org",
    ATLASSIAN_AUTH_URL: atlassian.url,
    ATLASSIAN_API_URL: atlassian.apiUrl,
    JIRA_CLIENT_ID: atlassian.registration.clientId,
    JIRA_CLIENT_SECRET: atlassian.registration.clientSecret,
    JIRA_SCOPES: atlassian.registration.scopes.filter((scope) => !isConfluence(scope)).join(" "),
    CONFLUENCE_SCOPES: atlassian.registration.scopes.filter(isConfluence).join(" "),
    SLACK_URL: slack.url,
    SLACK_CLIENT_ID: slack.registration.clientId,
    SLACK_CLIENT_SECRET: slack.registration.clientSecret,
    SLACK_SIGNING_SECRET: slack.registration.signingSecret,
    SLACK_SCOPES: "channels:read,chat:write,users:read",
    SLACK_USER_SCOPES: "search:read",
  };
}
