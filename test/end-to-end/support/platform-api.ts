import type { Token } from "./caller.ts";

const probes: Record<string, string> = {
  github: "/installation/repositories",
  "github-oauth": "/user",
  jira: "/rest/api/3/myself",
  confluence: "/wiki/rest/api/user/current",
  slack: "/auth.test",
  sentry: "/organizations/acme/",
};

/** Whether the platform's own API takes the token, there where the answer said it is to be used. */
export async function isAccepted(
  platform: string,
  token: Pick<Token, "access_token" | "api_base_url">,
): Promise<boolean> {
  const response = await fetch(token.api_base_url + probes[platform], {
    headers: { authorization: `Bearer ${token.access_token}`, "user-agent": "test" },
  });
  const body = (await response.json()) as Record<string, unknown>;
  // Slack says no inside a 200.
  return response.status === 200 && body.ok !== false;
}

/** The repositories a GitHub installation token reaches. */
export async function repositoriesOf(token: Token): Promise<string[]> {
  const response = await fetch(`${token.api_base_url}/installation/repositories`, {
    headers: { authorization: `Bearer ${token.access_token}`, "user-agent": "test" },
  });
  const { repositories } = (await response.json()) as { repositories: { name: string }[] };
  return repositories.map(({ name }) => name).sort();
}
