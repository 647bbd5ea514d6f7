import { setTimeout as delay } from "node:timers/promises";
import { createBrowser } from "../rig/browser.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** The platforms of the runs by the names installations are stored under. */
export type PlatformName = "jira" | "slack" | "github-oauth";

/** What a spent refresh token does: works for a while (Atlassian, Slack), or never again (GitHub). */
export const kindOf: Record<PlatformName, "leeway" | "strict"> = {
  jira: "leeway",
  slack: "leeway",
  "github-oauth": "strict",
};

/** One grant as callers name it. */
export interface Grant {
  readonly platform: PlatformName;
  readonly installationId: string;
  /** Undefined: the installation's natural credential. */
  readonly externalUserId: string | undefined;
  /** Who has to connect it again. */
  readonly person: string;
  readonly owner: string | undefined;
}

export interface GrantCounts {
  /** Grants of Jira, each of one person for another owner. */
  readonly jira?: number;
  /** Both workspaces with a bot and two persons each: six grants. */
  readonly slack?: boolean;
  /** GitHub OAuth, of three people for up to nine owners each: it keeps ten tokens per person. */
  readonly githubOauth?: number;
}

/** Connects what is asked for, as people would in a browser. */
export async function connectGrants(baseUrl: string, sandbox: Sandbox, counts: GrantCounts): Promise<readonly Grant[]> {
  const grants: Grant[] = [];
  for (let i = 0; i < (counts.jira ?? 0); i++) {
    grants.push(await connectGrant(baseUrl, sandbox, { platform: "jira", person: "alice", owner: `owner-${i}` }));
  }
  for (let i = 0; i < (counts.githubOauth ?? 0); i++) {
    const person = ["mona", "hubot", "mallory"][i % 3] ?? "";
    grants.push(await connectGrant(baseUrl, sandbox, { platform: "github-oauth", person, owner: `owner-${i}` }));
  }
  if (counts.slack) {
    for (const team of ["T0ACME001", "T0GLOBEX1"]) grants.push(...(await connectTeam(baseUrl, sandbox, team)));
  }
  return grants;
}

/** Connects one grant, or connects it again. */
export async function connectGrant(
  baseUrl: string,
  sandbox: Sandbox,
  wanted: Pick<Grant, "platform" | "person" | "owner">,
): Promise<Grant> {
  const { platform, person, owner } = wanted;
  if (platform === "jira") sandbox.atlassian.controls.signIn(person);
  if (platform === "github-oauth") sandbox.github.controls.signIn(person);
  const installationId = await install(baseUrl, platform, owner);
  return { ...wanted, installationId, externalUserId: undefined };
}

async function connectTeam(baseUrl: string, { slack }: Sandbox, team: string): Promise<readonly Grant[]> {
  slack.controls.chooseTeam(team);
  const people = ["U0ALICE01", "W0BOB0001"];
  let installationId = "";
  for (const person of people) {
    slack.controls.signIn(person);
    installationId = await install(baseUrl, "slack", undefined);
  }
  return [undefined, ...people].map((externalUserId) => ({
    platform: "slack",
    installationId,
    externalUserId,
    person: externalUserId ?? "",
    owner: undefined,
  }));
}

async function install(baseUrl: string, platform: PlatformName, owner: string | undefined): Promise<string> {
  const query = owner === undefined ? "" : `?${new URLSearchParams({ owner })}`;
  for (let tries = 1; ; tries++) {
    const url = `${baseUrl}/oauth/install/${platform}${query}`;
    const { text, status } = await createBrowser().visit(url, { accept: "application/json" });
    const answer: unknown = JSON.parse(text);
    const id = typeof answer === "object" && answer !== null && "installation_id" in answer && answer.installation_id;
    if (typeof id === "string") return id;
    if (tries === 3) throw new Error(`${platform} was not connected: ${status} ${text.slice(0, 200)}`);
    await delay(200);
  }
}
