import type { Secret } from "../../secret.ts";
import type { Registration } from "./registration.ts";

/** On whose behalf a token acts: the app itself (GitHub installation, Slack bot) or a person. */
export type Actor = "app" | "user";

/**
 * `app_installation`: nothing secret is kept, tokens are minted with the app's key.
 * `rotating`: a single-use refresh token is kept. `long_lived`: the access token itself is all there is.
 */
export type CredentialKind = "app_installation" | "rotating" | "long_lived";

/** `dead`: the platform refused it for good. `revoked`: ended by us. */
export type CredentialStatus = "active" | "dead" | "revoked";

/** A token as a platform handed it out. */
export interface AccessToken {
  readonly value: Secret;
  readonly issuedAt: Date;
  /** Undefined: the platform names no end. */
  readonly expiresAt: Date | undefined;
}

/** What one mint, exchange or refresh gave. A missing `refreshToken` or `scopes` keeps the one we have. */
export interface TokenSet {
  readonly token: AccessToken;
  readonly refreshToken: Secret | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly permissions: Readonly<Record<string, string>> | undefined;
  /** When the grant itself ends, whatever is refreshed; undefined if the platform does not say. */
  readonly grantExpiresAt: Date | undefined;
}

/** What a credential is named by; enough to ask the platform with once the secrets are added. */
export interface CredentialIdentity {
  readonly kind: CredentialKind;
  readonly actor: Actor;
  /**
   * The platform's own name for the grant: GitHub installation id, Atlassian account id, Slack `T1:bot` or `T1:U1`. Where
   * an organization has several grants, what stands before the first colon is the organization.
   */
  readonly subject: string;
  /** The person, where `actor` is `user`. */
  readonly externalUserId: string | undefined;
}

/** A stored credential as readers see it. `version` counts stored token sets and is the fence of every refresh. */
export interface Credential extends CredentialIdentity {
  readonly id: string;
  readonly platform: string;
  readonly status: CredentialStatus;
  readonly version: number;
  /** Whom it was given to; undefined from before that was remembered, until the platform has answered for it. */
  readonly registration: Registration | undefined;
  readonly issuedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  /** From here on a refresh is started behind the answer; about half of the token's life. */
  readonly refreshAfter: Date | undefined;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly failures: number;
  readonly lastError: string | undefined;
  /**
   * Opens the stored access token; undefined if none is stored yet.
   * @throws ServiceError TOKEN_UNREADABLE if no key opens it. The row is left as it is.
   */
  accessToken(): Secret | undefined;
}
