import type { Secret } from "../secret.ts";
import type { Call } from "./model/call.ts";
import type { Installation, InstallationFilter, Position, ProviderRevocation } from "./model/installation.ts";
import type { Narrowing } from "./model/platform.ts";
import type { Selector } from "./model/repositories.ts";
import type { AuditEvent } from "./record/event.ts";

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
  /** Whom the installation belongs to, for the record. */
  readonly owner: string | undefined;
  /** The name the installation is stored under. */
  readonly platform: string;
  readonly externalOrgId: string;
  /** The token's fingerprint. */
  readonly tokenId: string;
  readonly apiBaseUrl: string;
}

/** What CreateInstallLink is asked for. */
export interface InstallLinkRequest {
  /** A product name. */
  readonly platform: string;
  readonly owner: string | undefined;
  /** As the caller gave it, not yet checked. */
  readonly returnTo: string | undefined;
  /** Undefined: 10 minutes. */
  readonly ttlMs: number | undefined;
  /** In addition to the configured ones. */
  readonly scopes: readonly string[];
  /** The installation to reconnect. */
  readonly installationId: string | undefined;
  readonly completeInCallback: boolean;
  readonly confirmPage?: boolean | undefined;
}

export interface InstallLink {
  readonly url: Secret;
  readonly expiresAt: Date;
}

/** A part of the record. All that are given must match. */
export interface AuditFilter {
  readonly installationId?: string | undefined;
  readonly caller?: string | undefined;
  readonly kind?: string | undefined;
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}

/** An event as it stands in the record. */
export interface RecordedEvent extends AuditEvent {
  readonly id: string;
}

/** What the service does, behind every door. Refusals are ServiceErrors; `call.access` limits what is seen. */
export interface UseCases {
  /** A token that works, or the reason there is none. At once where nothing has to be waited for. */
  getToken(request: GetTokenRequest, call: Call): IssuedToken | Promise<IssuedToken>;
  /** One page, newest first; `next` is undefined on the last. */
  listInstallations(
    filter: InstallationFilter,
    page: { readonly size: number; readonly after: Position | undefined },
    call: Call,
  ): Promise<{ readonly installations: readonly Installation[]; readonly next: Position | undefined }>;
  /** One installation, whatever its status. */
  getInstallation(id: string, call: Call): Promise<Installation>;
  /** Ends an installation; undefined as long as another replica is still asking the platform. */
  revokeInstallation(
    id: string,
    reason: string,
    call: Call,
  ): Promise<{ readonly installation: Installation; readonly providerRevocation: ProviderRevocation | undefined }>;
  /** A link that lets one person connect a platform, once. */
  createInstallLink(request: InstallLinkRequest, call: Call): Promise<InstallLink>;
  /** Makes what an attempt obtained active, if `owner` is whom its link was made for. */
  completeInstall(completionCode: Secret, owner: string, call: Call): Promise<readonly Installation[]>;
  /** One page of the record, newest first; `next` is undefined on the last. */
  listAuditEvents(
    filter: AuditFilter,
    page: { readonly size: number; readonly after: Position | undefined },
    call: Call,
  ): Promise<{ readonly events: readonly RecordedEvent[]; readonly next: Position | undefined }>;
}
