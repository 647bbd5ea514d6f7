import type { CredentialIdentity, TokenSet } from "./credential.ts";
import type { Registration } from "./registration.ts";

/** One organization, site or account that an exchange gave us. */
export interface ConnectedInstallation {
  readonly products: readonly string[];
  readonly externalOrgId: string;
  readonly externalOrgName: string;
  readonly externalInstallId: string | undefined;
  readonly externalUserId: string | undefined;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly installedBy: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly suspended: boolean;
}

export interface ConnectedCredential extends CredentialIdentity {
  /** Undefined where the first token is minted on demand (GitHub App). */
  readonly tokens: TokenSet | undefined;
  /** Whether it serves callers that name no actor. Exactly one of a connection's credentials is natural. */
  readonly natural: boolean;
  /** Whom it was given to. Added by `withOwnGrants`; undefined only for what was kept before that was remembered. */
  readonly registration?: Registration | undefined;
}

/** What one finished browser flow obtained. Every credential serves every installation. */
export interface Connection {
  readonly installations: readonly ConnectedInstallation[];
  readonly credentials: readonly ConnectedCredential[];
}
