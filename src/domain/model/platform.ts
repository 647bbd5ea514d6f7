import type { Secret } from "../../secret.ts";
import type { Connection } from "./connection.ts";
import type { Actor, CredentialIdentity, CredentialKind, TokenSet } from "./credential.ts";
import type { EarlierRow, Identified } from "./earlier-row.ts";
import type { Installation, ProviderRevocation } from "./installation.ts";
import type { PlatformWebhooks } from "./platform-webhooks.ts";
import type { Registration } from "./registration.ts";
import type { TokenRejected, WebhookRegistrar } from "./webhook-registrar.ts";

/** A narrower GitHub installation token: every part is optional, nothing can be added to what was granted. */
export interface Narrowing {
  readonly repositoryIds: readonly bigint[];
  readonly repositories: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
}

/** What a browser has to be sent to the platform with. */
export interface AuthorizationRequest {
  /** Our single-use secret, echoed by the platform. */
  readonly state: string;
  /** PKCE S256 challenge (RFC 7636 section 4.2), present where the platform's `pkce` says so. */
  readonly codeChallenge: string | undefined;
  /** Where the platform sends the browser back to. */
  readonly redirectUri: string;
  /** What an earlier callback of the same attempt named but could not prove (a GitHub installation id). */
  readonly hint: string | undefined;
  /** Asked for in addition to the configured scopes; none where the platform's `takesScopes` is false. */
  readonly extraScopes?: readonly string[] | undefined;
}

/** A callback, read but not yet believed: everything in it may be made up by whoever sent the browser. */
export type Callback =
  | { readonly kind: "code"; readonly code: Secret; readonly hint: string | undefined }
  /** Nothing to exchange yet: the person has to pass the platform's authorization with `hint` remembered. */
  | { readonly kind: "authorize_first"; readonly hint: string }
  /**
   * Settings of an installation that was there before were saved. The platform sends such a browser here without the
   * state that it came with, so the attempt it belongs to has to be found otherwise. Then as `authorize_first`.
   */
  | { readonly kind: "settings_saved"; readonly hint: string }
  /** An owner has to approve before anything can be installed. */
  | { readonly kind: "approval_pending" }
  | { readonly kind: "denied" }
  /** The platform refused our registration (redirect URI, suspended app). `code` is safe to show. */
  | { readonly kind: "misconfigured"; readonly code: string }
  /** RFC 9207: the answer comes from another authorization server. */
  | { readonly kind: "wrong_issuer" }
  | { readonly kind: "malformed" };

/** No usable answer. Nothing in it speaks of the one who was asked for: several credentials that meet it are an outage. */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly retryAfterMs: number | undefined;
  /** Whether the request may have been processed: false only if it surely was not sent or not accepted. */
  readonly mayHaveBeenProcessed: boolean;
  /** Short and safe to log: `timeout`, `http_503`, `unreadable_body`, `ECONNREFUSED`. */
  readonly cause: string;
}

/** A limit of this credential's, or of its installation's: others are not kept from asking. */
export interface RateLimited {
  readonly kind: "rate_limited";
  readonly retryAfterMs: number | undefined;
}

/**
 * A clear no to this installation or grant alone, which may pass: nothing was spent, and no other credential is any the
 * worse for it. `code` is a fixed word of ours, shown in `last_error`: `ip_allow_list`, `answer_too_large`.
 */
export interface Refused {
  readonly kind: "refused";
  readonly code: string;
}

/**
 * Our own client id, secret or key was refused, or our registration is wrong. Harms no installation. One credential alone
 * never proves it: several are asked before everybody is told so.
 */
export interface Misconfigured {
  readonly kind: "misconfigured";
  readonly code: string;
}

export interface ExchangeRequest {
  readonly code: Secret;
  readonly codeVerifier: Secret | undefined;
  readonly redirectUri: string;
  readonly hint: string | undefined;
  /** When the first leg of the attempt began, by this process's clock. */
  readonly begunAt: Date;
}

export type ExchangeOutcome =
  | { readonly kind: "connected"; readonly connection: Connection }
  /** The code is wrong, spent or too old: start again. */
  | { readonly kind: "code_rejected"; readonly code: string }
  /** The named installation is not among those this person can reach. */
  | { readonly kind: "not_yours" }
  /** This person reaches the named installation and showed no right to give it away. */
  | { readonly kind: "not_administered" }
  /** The person must do something at the platform first; `code` is a fixed word of ours, e.g. `unverified_email`, `no_sites`. */
  | { readonly kind: "person_must_act"; readonly code: string }
  | Misconfigured
  | RateLimited
  | Unavailable;

/** Whether a platform knows the configured client. */
export type ClientProof =
  | { readonly kind: "known" }
  /** It said nothing about that. `code` is a word of the platform's or of ours. */
  | { readonly kind: "unproven"; readonly code: string }
  | Misconfigured
  | RateLimited
  | Unavailable;

export type MintOutcome =
  /** Must be stored before it is used. */
  | { readonly kind: "minted"; readonly tokens: TokenSet }
  /** A long-lived token that the platform confirmed; `ofAnyClient`: it does so whoever's it is. */
  | { readonly kind: "confirmed"; readonly ofAnyClient?: true }
  /**
   * The platform said no for good. `code` is the platform's own word. `uninstalled`: it said so of the installation, and no
   * token that was spent unheard explains it.
   */
  | { readonly kind: "rejected"; readonly code: string; readonly uninstalled?: true }
  | { readonly kind: "suspended" }
  /** The narrowing asks for more than was granted, or for what does not exist. */
  | { readonly kind: "not_granted" }
  | Refused
  | Misconfigured
  | RateLimited
  | Unavailable;

/** What a platform says of an installation now. What is undefined it does not say. */
export interface InspectedFacts {
  readonly externalOrgName: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly permissions: Readonly<Record<string, string>> | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/** Anything not recognised is `unavailable`, never an end. */
export type Inspection =
  | { readonly kind: "present"; readonly facts: InspectedFacts }
  | { readonly kind: "suspended"; readonly facts: InspectedFacts }
  /** Uninstalled. `code` is the platform's own word. */
  | { readonly kind: "gone"; readonly code: string }
  /** There, perhaps, and the grant that was asked with is refused for good. */
  | { readonly kind: "grant_dead"; readonly code: string }
  | Refused
  | Misconfigured
  | RateLimited
  | Unavailable;

export type ConfirmOutcome =
  | { readonly kind: "confirmed" }
  /** `code` is a fixed word of ours. */
  | { readonly kind: "failed"; readonly code: string }
  | TokenRejected;

export type RevokeOutcome =
  | { readonly kind: "revoked" }
  | { readonly kind: "unsupported" }
  | { readonly kind: "failed"; readonly cause: string };

/** A credential with the secrets a platform call needs. */
export interface CredentialSecrets extends CredentialIdentity {
  readonly accessToken: Secret | undefined;
  readonly refreshToken: Secret | undefined;
  /** Whom it was given to; undefined where that is not remembered. */
  readonly registration: Registration | undefined;
}

/**
 * `moves`: the end that the platform names moves on with every refresh. Otherwise it ends after `restMs` without one, and
 * an end that the platform names stays where it is.
 */
export type GrantEnds = { readonly moves: true } | { readonly moves: false; readonly restMs: number };

/** An app may ask for more than it did when it was installed; whoever installed it has to approve that. */
export interface Approvals {
  /** What the app asks for by now; undefined: the platform does not say at the moment. */
  wanted(): Promise<Readonly<Record<string, string>> | undefined>;
  /** What of it is not granted, `name:level` each; pure. What this kind of account never grants is not missed. */
  lacking(
    installation: Pick<Installation, "permissions" | "metadata">,
    wanted: Readonly<Record<string, string>>,
  ): readonly string[];
}

/**
 * One third party. What each of its refusals is about stands in one table per platform. Implementations hold no mutable state, never retry, never look at expiry, and give every
 * outside answer as a value: whatever is not recognised is `unavailable`, never `rejected`.
 */
export interface Platform {
  /** The name installations are stored under, and of the callback route. */
  readonly name: string;
  /** Who we are there, and where: what a grant made now belongs to. */
  readonly registration: Registration;
  /** The names callers may ask for: `["jira", "confluence"]`. The first is the natural one. */
  readonly products: readonly string[];
  /** Who a grant belongs to: an organization has one owner, a person's grant exists once per owner. */
  readonly holder: "organization" | "person";
  readonly actors: readonly Actor[];
  /**
   * What a spent refresh token does within `reuseLeewayMs` after its use: it still works (Atlassian, Slack).
   * 0: it never does (GitHub, Sentry), and an answer lost on the way may have cost the grant, unless `mint` needs none.
   */
  readonly reuseLeewayMs: number;
  /** How long a rotating grant may rest unused before it is refreshed only to stay alive; undefined: for ever. */
  readonly keepAliveMs: number | undefined;
  /** What ends a rotating grant that nobody ends; absent: nothing that is known. */
  readonly grantEnds?: GrantEnds;
  /** How it is known what an organization has not approved yet; absent: nothing has to be approved. */
  readonly approvals?: Approvals;
  /** Whether GetToken may narrow repositories and permissions. */
  readonly narrowing: boolean;
  /** Whether scopes are asked for when a browser is sent there; GitHub Apps have theirs in the registration. */
  readonly takesScopes: boolean;
  /**
   * Whether the code of an install that began at the platform, without a state of ours, proves it by itself; absent: the
   * person has to pass the authorization page.
   */
  readonly codeProvesInstall?: boolean;
  /** Whether a further consent spends the refresh token of the one before, which works for `reuseLeewayMs` then. */
  readonly consentSpendsOlder: boolean;
  /** Where a token is to be used. */
  apiBaseUrl(installation: Pick<Installation, "externalOrgId" | "products">, product: string): string;
  /** Whether a verifier is made for this leg of the flow. GitHub's install page takes no challenge; its authorize page does. */
  usesPkce(hint: string | undefined): boolean;
  /** Where to send the browser. */
  authorizationUrl(request: AuthorizationRequest): URL;
  /** Reads a callback; pure, and makes no call. `attemptHint` is the hint the attempt remembered. */
  readCallback(query: URLSearchParams, attemptHint: string | undefined): Callback;
  /** Spends the code and learns who connected. Proves the hint before anything is returned. */
  exchange(request: ExchangeRequest): Promise<ExchangeOutcome>;
  /**
   * Whether it knows us, asked with a code that was made up; absent: that it refuses the code in an exchange, and not us,
   * says all there is.
   */
  readonly proveClient?: (madeUp: ExchangeRequest) => Promise<ClientProof>;
  /** Obtains a new access token, or for a long-lived one asks whether it still works. */
  mint(credential: CredentialSecrets, narrowing?: Narrowing): Promise<MintOutcome>;
  /** Whether it is asked for no token at the moment, since several credentials met the same trouble; absent: never. */
  readonly leftAlone?: () => boolean;
  /** Whether several credentials met the same trouble, with no other answer since; absent: never. */
  readonly isInTrouble?: () => boolean;
  /** What the installation is granted now; undefined if the platform does not say. Absent where nothing is narrowed. */
  readonly granted?: (credential: CredentialSecrets) => Promise<Readonly<Record<string, string>> | undefined>;
  /** How it tells of changes; absent: it does not. */
  readonly webhooks?: PlatformWebhooks;
  /** How it is told our address; absent: it sends no events. */
  readonly registrar?: WebhookRegistrar;
  /** Tells it that an installation is connected here, where it waits to hear that. Safe to repeat. */
  readonly confirmInstall?: (
    installation: Pick<Installation, "externalInstallId">,
    accessToken: Secret,
  ) => Promise<ConfirmOutcome>;
  /** What it says of an installation now, asked with one of its credentials; absent where it cannot be asked. */
  readonly inspect?: (
    installation: Pick<Installation, "externalOrgId" | "externalInstallId" | "externalUserId" | "products">,
    credential: CredentialSecrets,
  ) => Promise<Inspection>;
  /** What a row of an earlier service leaves out, asked with what it has; spends nothing. Absent where it cannot be asked. */
  readonly identify?: (row: Pick<EarlierRow, "externalInstallId" | "accessToken">) => Promise<Identified>;
  /**
   * What `revoke` ends: this token set alone, perhaps everything the same subject was given, or the app's installation,
   * which is done when somebody wants that and for no other reason.
   */
  revocationReach(kind: CredentialKind): "token" | "grant" | "app";
  /** Ends the credential at the platform. Succeeds if it has already ended. */
  revoke(credential: CredentialSecrets): Promise<RevokeOutcome>;
}

/** One answer for several credentials: a failure is never hidden behind a success. */
export function combineRevocations(outcomes: readonly RevokeOutcome[], shared: boolean): ProviderRevocation {
  if (outcomes.some((outcome) => outcome.kind === "failed")) return "failed";
  if (outcomes.some((outcome) => outcome.kind === "revoked")) return "revoked";
  return shared ? "shared" : "unsupported";
}
