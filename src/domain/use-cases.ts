import type { Secret } from "../secret.ts";
import type { Call } from "./call.ts";
import type { Installation, InstallationFilter, Position, ProviderRevocation } from "./installation.ts";
import type { Narrowing } from "./platform.ts";
import type { Selector } from "./repositories.ts";

export interface GetTokenRequest {
  readonly selector: Selector;
  /** Undefined: 60 s. */
  readonly minTtlMs: number | undefined;
  /** The fingerprint of a token that the platform refused. */
  readonly rejectedTokenId: string | undefined;
  readonly narrowing: Narrowing | undefined;
}

export interface IssuedToken {
  readonly token: Secret;
  readonly tokenType: string;
  readonly expiresAt: Date | undefined;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly installationId: string;
  readonly externalOrgId: string;
  /** The token's fingerprint. */
  readonly tokenId: string;
  readonly apiBaseUrl: string;
}

/** What the service does, behind every door. Refusals are ServiceErrors. */
export interface UseCases {
  /** A token that works, or the reason there is none. */
  getToken(request: GetTokenRequest, call: Call): Promise<IssuedToken>;
  /** One page, newest first; `next` is undefined on the last. */
  listInstallations(
    filter: InstallationFilter,
    page: { readonly size: number; readonly after: Position | undefined },
  ): Promise<{ readonly installations: readonly Installation[]; readonly next: Position | undefined }>;
  /** One installation, whatever its status. */
  getInstallation(id: string): Promise<Installation>;
  /** Ends an installation; undefined as long as another replica is still asking the platform. */
  revokeInstallation(
    id: string,
    reason: string,
  ): Promise<{ readonly installation: Installation; readonly providerRevocation: ProviderRevocation | undefined }>;
}
