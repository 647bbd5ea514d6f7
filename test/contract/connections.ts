import { randomBytes } from "node:crypto";
import type { ConnectedCredential, ConnectedInstallation, Connection } from "../../src/domain/model/connection.ts";
import type { TokenSet } from "../../src/domain/model/credential.ts";
import type { ConnectContext } from "../../src/domain/model/installation-repository.ts";
import { Secret } from "../../src/secret.ts";

/** A name that no other test uses. */
export function unique(what: string): string {
  return `${what}-${randomBytes(6).toString("hex")}`;
}

export function tokenSet(name: string, { lifeMs = 3_600_000 as number | undefined, rotating = true } = {}): TokenSet {
  const issuedAt = new Date("2026-01-01T00:00:00.000Z");
  return {
    token: {
      value: new Secret(`access-${name}`),
      issuedAt,
      expiresAt: lifeMs === undefined ? undefined : new Date(issuedAt.getTime() + lifeMs),
    },
    refreshToken: rotating ? new Secret(`refresh-${name}`) : undefined,
    scopes: ["read", "write"],
    permissions: undefined,
    grantExpiresAt: undefined,
  };
}

export function connected(externalOrgId: string, changes: Partial<ConnectedInstallation> = {}): ConnectedInstallation {
  return {
    products: ["slack"],
    externalOrgId,
    externalOrgName: `Name of ${externalOrgId}`,
    externalInstallId: undefined,
    externalUserId: undefined,
    scopes: ["read"],
    permissions: {},
    installedBy: "U1",
    metadata: { url: "https://example.test" },
    suspended: false,
    ...changes,
  };
}

export function grant(subject: string, changes: Partial<ConnectedCredential> = {}): ConnectedCredential {
  return {
    kind: "rotating",
    actor: "app",
    subject,
    externalUserId: undefined,
    tokens: tokenSet(subject),
    natural: true,
    ...changes,
  };
}

/** A Slack workspace with its bot, and the people who connected along with it. */
export function workspace(team: string, tokens: string, people: readonly string[] = []): Connection {
  return {
    installations: [connected(team)],
    credentials: [
      grant(`${team}:bot`, { tokens: tokenSet(tokens) }),
      ...people.map((user) =>
        grant(`${team}:${user}`, {
          actor: "user",
          externalUserId: user,
          natural: false,
          tokens: tokenSet(`${tokens}-${user}`),
        }),
      ),
    ],
  };
}

/** One person's Atlassian grant for these sites. */
export function sites(person: string, tokens: string, cloudIds: readonly string[]): Connection {
  return {
    installations: cloudIds.map((cloudId) =>
      connected(cloudId, { products: ["jira", "confluence"], externalUserId: person, installedBy: person }),
    ),
    credentials: [grant(person, { actor: "user", externalUserId: person, tokens: tokenSet(tokens) })],
  };
}

/** A GitHub App installation, whose tokens are minted later. */
export function githubApp(account: string, installationId: string, suspended = false): Connection {
  return {
    installations: [
      connected(account, {
        products: ["github"],
        externalInstallId: installationId,
        scopes: [],
        permissions: { contents: "read" },
        suspended,
      }),
    ],
    credentials: [grant(installationId, { kind: "app_installation", tokens: undefined })],
  };
}

export function slackContext(now: Date, owner?: string): ConnectContext {
  return { platform: "slack", holder: "organization", owner, now };
}

export function jiraContext(now: Date, owner?: string): ConnectContext {
  return { platform: "jira", holder: "person", owner, now };
}

export function githubContext(now: Date, owner?: string): ConnectContext {
  return { platform: "github", holder: "organization", owner, now };
}
