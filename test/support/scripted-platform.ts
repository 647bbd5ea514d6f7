import type { CredentialKind, TokenSet } from "../../src/domain/credential.ts";
import type {
  Connection,
  CredentialSecrets,
  MintOutcome,
  Platform,
  Platforms,
  RevokeOutcome,
} from "../../src/domain/platform.ts";
import { Secret } from "../../src/secret.ts";

/** A platform that answers as the test says and remembers what it was asked with. */
export interface ScriptedPlatform extends Platform {
  /** Decides the next answers; the default mints a new token from whatever it is given. */
  answer: (credential: CredentialSecrets) => Promise<MintOutcome> | MintOutcome;
  /** The refresh tokens of every mint, in order. */
  readonly spent: string[];
  /** The access tokens of every revocation, in order. */
  readonly revoked: string[];
  revokeAnswer: RevokeOutcome;
}

let serial = 0;

export function scriptedPlatform(options: { name?: string; reuseLeewayMs?: number } = {}): ScriptedPlatform {
  const spent: string[] = [];
  const revoked: string[] = [];
  const name = options.name ?? "slack";
  const platform: ScriptedPlatform = {
    name,
    products: [name],
    holder: "organization",
    actors: ["app", "user"],
    reuseLeewayMs: options.reuseLeewayMs ?? 0,
    narrowing: true,
    spent,
    revoked,
    revokeAnswer: { kind: "revoked" },
    answer: () => minted(),
    apiBaseUrl: () => "https://api.example",
    usesPkce: () => false,
    authorizationUrl: () => new URL("https://example/authorize"),
    readCallback: () => ({ kind: "malformed" }),
    exchange: async () => ({ kind: "code_rejected", code: "invalid_code" }),
    mint: async (credential) => {
      spent.push(credential.refreshToken?.reveal() ?? "");
      return platform.answer(credential);
    },
    revoke: async (credential) => {
      revoked.push(credential.accessToken?.reveal() ?? "");
      return platform.revokeAnswer;
    },
  };
  return platform;
}

export function onlyPlatforms(...all: Platform[]): Platforms {
  return {
    all,
    known: all.flatMap((platform) => platform.products),
    byName: (name) => all.find((platform) => platform.name === name),
    byProduct: (product) => all.find((platform) => platform.products.includes(product)),
  };
}

export function minted(
  options: { value?: string; refreshToken?: string; lifeMs?: number; now?: Date } = {},
): MintOutcome {
  return { kind: "minted", tokens: tokenSet(options) };
}

export function tokenSet(
  options: { value?: string; refreshToken?: string; lifeMs?: number; ageMs?: number; now?: Date } = {},
): TokenSet {
  const id = ++serial;
  const issuedAt = new Date((options.now ?? new Date()).getTime() - (options.ageMs ?? 0));
  return {
    token: {
      value: new Secret(options.value ?? `access-${id}`),
      issuedAt,
      expiresAt: new Date(issuedAt.getTime() + (options.lifeMs ?? 3_600_000)),
    },
    refreshToken: new Secret(options.refreshToken ?? `refresh-${id}`),
    scopes: ["chat:write"],
    permissions: undefined,
    grantExpiresAt: undefined,
  };
}

/** A connection of one organization with one natural credential. */
export function connection(
  options: { org?: string; kind?: CredentialKind; tokens?: TokenSet | undefined } = {},
): Connection {
  const org = options.org ?? `T${++serial}`;
  return {
    installations: [
      {
        products: ["slack"],
        externalOrgId: org,
        externalOrgName: `Workspace ${org}`,
        externalInstallId: undefined,
        externalUserId: undefined,
        scopes: ["chat:write"],
        permissions: {},
        installedBy: "U1",
        metadata: {},
        suspended: false,
      },
    ],
    credentials: [
      {
        kind: options.kind ?? "rotating",
        actor: "app",
        subject: `${org}:bot`,
        externalUserId: undefined,
        natural: true,
        tokens: "tokens" in options ? options.tokens : tokenSet(),
      },
    ],
  };
}
