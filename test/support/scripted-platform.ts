import type { ConnectedInstallation, Connection } from "../../src/domain/model/connection.ts";
import type { Actor, CredentialKind, TokenSet } from "../../src/domain/model/credential.ts";
import type {
  AuthorizationRequest,
  Callback,
  CredentialSecrets,
  ExchangeOutcome,
  MintOutcome,
  Narrowing,
  Platform,
  RevokeOutcome,
} from "../../src/domain/model/platform.ts";
import type { Platforms } from "../../src/domain/model/platforms.ts";
import { Secret } from "../../src/secret.ts";

/** A platform that answers as the test says and remembers what it was asked with. */
export interface ScriptedPlatform extends Platform {
  /** Decides the next answers; the default mints a new token from whatever it is given. */
  answer: (credential: CredentialSecrets, narrowing?: Narrowing) => Promise<MintOutcome> | MintOutcome;
  /** The refresh tokens of every mint, in order. */
  readonly spent: string[];
  /** The narrowing of every mint, in order. */
  readonly narrowings: (Narrowing | undefined)[];
  /** The access tokens of every revocation, in order. */
  readonly revoked: string[];
  /** Decides how revocations are answered; the default gives `revokeAnswer`. */
  answerRevoke: (credential: CredentialSecrets) => Promise<RevokeOutcome> | RevokeOutcome;
  revokeAnswer: RevokeOutcome;
  /** What callbacks mean; the default reads `code`, `error=access_denied` and `installation_id`. */
  callback: (query: URLSearchParams, attemptHint: string | undefined) => Callback;
  /** What an exchange gives. */
  answerExchange: (request: ExchangeRequest) => Promise<ExchangeOutcome> | ExchangeOutcome;
  /** Every exchange, in order. */
  readonly exchanges: ExchangeRequest[];
  /** What browsers were sent there with, in order. */
  readonly authorizations: AuthorizationRequest[];
}

export type ExchangeRequest = Parameters<Platform["exchange"]>[0];

export interface ScriptedOptions {
  readonly name?: string;
  readonly registration?: string;
  readonly products?: readonly string[];
  readonly holder?: "organization" | "person";
  readonly actors?: readonly Actor[];
  readonly reuseLeewayMs?: number;
  readonly narrowing?: boolean;
  readonly revocationReach?: ReturnType<Platform["revocationReach"]>;
  readonly usesPkce?: (hint: string | undefined) => boolean;
}

let serial = 0;

export function scriptedPlatform(options: ScriptedOptions = {}): ScriptedPlatform {
  const name = options.name ?? "slack";
  const platform: ScriptedPlatform = {
    name,
    registration: options.registration ?? "client@https://platform.example",
    products: options.products ?? [name],
    holder: options.holder ?? "organization",
    actors: options.actors ?? ["app", "user"],
    reuseLeewayMs: options.reuseLeewayMs ?? 0,
    keepAliveMs: undefined,
    narrowing: options.narrowing ?? true,
    takesScopes: true,
    consentSpendsOlder: false,
    revocationReach: (kind) => options.revocationReach ?? (kind === "app_installation" ? "app" : "token"),
    spent: [],
    narrowings: [],
    revoked: [],
    exchanges: [],
    authorizations: [],
    revokeAnswer: { kind: "revoked" },
    answer: () => minted(),
    answerRevoke: () => platform.revokeAnswer,
    callback: readCallback,
    answerExchange: () => ({ kind: "code_rejected", code: "invalid_code" }),
    apiBaseUrl: ({ externalOrgId }, product) => `https://api.example/${product}/${externalOrgId}`,
    usesPkce: options.usesPkce ?? (() => false),
    authorizationUrl(request) {
      platform.authorizations.push(request);
      return new URL(`https://example/authorize?state=${request.state}`);
    },
    readCallback: (query, hint) => platform.callback(query, hint),
    exchange: async (request) => {
      platform.exchanges.push(request);
      return platform.answerExchange(request);
    },
    mint: async (credential, narrowing) => {
      platform.spent.push(credential.refreshToken?.reveal() ?? "");
      platform.narrowings.push(narrowing);
      return platform.answer(credential, narrowing);
    },
    revoke: async (credential) => {
      platform.revoked.push(credential.accessToken?.reveal() ?? "");
      return platform.answerRevoke(credential);
    },
  };
  return platform;
}

function readCallback(query: URLSearchParams, attemptHint: string | undefined): Callback {
  const code = query.get("code");
  const hint = query.get("installation_id") ?? attemptHint;
  if (query.get("error") === "access_denied") return { kind: "denied" };
  if (code !== null) return { kind: "code", code: new Secret(code), hint };
  return hint === undefined ? { kind: "malformed" } : { kind: "authorize_first", hint };
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

/** A token without an end and without a successor. */
export function foreverToken(value: string, now = new Date()): TokenSet {
  const tokens = tokenSet({ value, now });
  return { ...tokens, token: { ...tokens.token, expiresAt: undefined }, refreshToken: undefined };
}

export interface ConnectionOptions {
  readonly org?: string;
  readonly kind?: CredentialKind;
  readonly tokens?: TokenSet | undefined;
  /** Who connected along with the organization's own credential: each has a token `access-of-{user}`. */
  readonly people?: readonly string[];
  readonly installation?: Partial<ConnectedInstallation>;
}

/** A connection of one organization with one natural credential. */
export function connection(options: ConnectionOptions = {}): Connection {
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
        ...options.installation,
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
      ...(options.people ?? []).map((user) => ({
        kind: "rotating" as const,
        actor: "user" as const,
        subject: `${org}:${user}`,
        externalUserId: user,
        natural: false,
        tokens: tokenSet({ value: `access-of-${user}` }),
      })),
    ],
  };
}

/** One person's grant for these sites, as Atlassian gives it. */
export function siteConnection(person: string, sites: readonly string[], tokens = tokenSet()): Connection {
  const [made] = connection({
    installation: { products: ["jira", "confluence"], externalUserId: person },
  }).installations;
  return {
    installations: sites.map((site) => ({ ...made!, externalOrgId: site })),
    credentials: [{ kind: "rotating", actor: "user", subject: person, externalUserId: person, natural: true, tokens }],
  };
}
