import { anonymous } from "../../src/domain/access/caller.ts";
import type { Installation } from "../../src/domain/model/installation.ts";
import type { IssuedToken } from "../../src/domain/tokens/issued-token.ts";
import { registry } from "../../src/platforms/registry.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { Secret } from "../../src/secret.ts";

export const installationId = "0192f0c1-5a4b-7c3d-8e2f-1a2b3c4d5e6f";

export const issuedToken: IssuedToken = {
  token: new Secret("ghs_the-token"),
  tokenType: "Bearer",
  expiresAt: new Date("2030-01-02T03:04:05.678Z"),
  scopes: ["repo"],
  permissions: { contents: "read" },
  installationId,
  owner: "acme",
  platform: "github",
  externalOrgId: "4711",
  tokenId: "a".repeat(64),
  apiBaseUrl: "https://api.github.com",
};

export function installation(changes: Partial<Installation> = {}): Installation {
  return {
    id: installationId,
    platform: "github",
    products: ["github"],
    status: "active",
    owner: undefined,
    externalOrgId: "4711",
    externalOrgName: "acme",
    externalInstallId: "99",
    externalUserId: undefined,
    scopes: [],
    permissions: { contents: "read" },
    installedBy: "octocat",
    metadata: { account_type: "Organization" },
    webhook: undefined,
    tokenExpiresAt: undefined,
    lastRefreshedAt: undefined,
    lastError: undefined,
    lastUsedAt: undefined,
    createdAt: new Date("2026-01-01T00:00:00.001Z"),
    updatedAt: new Date("2026-01-02T00:00:00Z"),
    revokedAt: undefined,
    ...changes,
  };
}

/** Use cases that succeed, but for those a test replaces. */
export function fakeUseCases(replaced: Partial<UseCases> = {}): UseCases {
  return {
    getToken: async () => issuedToken,
    listInstallations: async () => ({ installations: [], next: undefined }),
    getInstallation: async () => installation(),
    revokeInstallation: async () => ({
      installation: installation({ status: "revoked", revokedAt: new Date("2026-02-01T00:00:00Z") }),
      providerRevocation: "revoked",
    }),
    createInstallLink: async () => ({
      url: new Secret("https://x/?link=1"),
      expiresAt: new Date("2026-02-01T00:00:00Z"),
    }),
    completeInstall: async () => [installation()],
    watchInstallations: async function* () {
      yield { kind: "present", installation: installation() } as const;
      yield { kind: "synced", place: { sequence: 0, mark: "begun" } } as const;
    },
    startLink: async () => ({
      code: new Secret("01234567890"),
      pollSecret: new Secret("the-poll-secret"),
      verificationUrl: new URL("https://x/link"),
      verificationUrlComplete: new Secret("https://x/link?code=01234567890"),
      expiresAt: new Date("2026-02-01T00:00:00Z"),
      intervalSeconds: 5,
    }),
    watchLink: async function* () {
      yield { kind: "pending" } as const;
      yield { kind: "denied" } as const;
    },
    listAuditEvents: async () => ({ events: [], next: undefined }),
    ...replaced,
  };
}

/** Hides text from nobody, but opens only what it sealed. */
export const sealer = {
  seal: (plain: string) => Buffer.from(`sealed:${plain}`).toString("base64url"),
  open: (text: string) => {
    const plain = Buffer.from(text, "base64url").toString();
    return plain.startsWith("sealed:") ? plain.slice("sealed:".length) : undefined;
  },
};

/** What doors need besides procedures, where nobody is told apart. */
export const openDoor = { authenticate: () => anonymous, limiter: { take: () => 0 }, redact: registry.redact };
