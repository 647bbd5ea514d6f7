import type { CallOptions, Seconds } from "./call-options.ts";

/** One organization, workspace, site or account that was connected. Texts that are not known are empty. */
export interface Installation {
  id: string;
  platform: string;
  status: InstallationStatus;
  externalOrgId: string;
  externalOrgName: string;
  externalInstallId: string;
  owner: string;
  scopes: string[];
  permissions: Record<string, string>;
  installedBy: string;
  metadata: Record<string, string>;
  webhook?: Webhook;
  tokenExpireTime?: Date;
  lastRefreshTime?: Date;
  lastError: string;
  lastUsedTime?: Date;
  createTime?: Date;
  updateTime?: Date;
  revokeTime?: Date;
}

export interface Webhook {
  registered: boolean;
  url: string;
  externalIds: string[];
  error: string;
  expireTime?: Date;
}

export type InstallationStatus =
  | "INSTALLATION_STATUS_PENDING"
  | "INSTALLATION_STATUS_ACTIVE"
  | "INSTALLATION_STATUS_SUSPENDED"
  | "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED"
  | "INSTALLATION_STATUS_REVOKED";

/** What is not given restricts nothing. */
export interface InstallationFilter {
  readonly platform?: string;
  readonly status?: InstallationStatus;
  readonly externalOrgId?: string;
  readonly externalInstallId?: string;
  readonly owner?: string;
  /** The beginning of the organization's name or of the owner, in any case, or one of the ids. */
  readonly search?: string;
  /** How many come with one call: 50 if unset, at most 500. */
  readonly pageSize?: number;
}

/** What is not given restricts nothing. */
export interface WatchFilter {
  readonly platform?: string;
  readonly owner?: string;
  /** Of an earlier watch with the same filter: only what changed since is told. */
  readonly resumeToken?: string;
}

/** Who begins with `CHANGE_PRESENT` replaces all that they know. `CHANGE_SYNCED`: up to here everything was told. */
export type InstallationChange =
  | { readonly change: "CHANGE_SYNCED"; readonly installation?: undefined; readonly resumeToken: string }
  | {
      readonly change: "CHANGE_PRESENT" | "CHANGE_CREATED" | "CHANGE_UPDATED" | "CHANGE_ENDED";
      readonly installation: Installation;
      readonly resumeToken: string;
    };

export interface InstallLinkRequest {
  readonly platform: string;
  /** Whom it will belong to. It is pending then until `completeInstall`. */
  readonly owner?: string;
  /** Where the browser goes afterwards. */
  readonly returnTo?: string;
  /** How long the link is good: 10 minutes if unset, a day at most. */
  readonly ttl?: Seconds;
  /** Asked for in addition to the configured ones. */
  readonly scopes?: readonly string[];
  /** The installation to reconnect. */
  readonly installationId?: string;
  readonly completeInCallback?: boolean;
  readonly confirmPage?: boolean;
}

export interface InstallLink {
  /** Whoever has it can connect, once. */
  url: string;
  expireTime?: Date;
}

export type ProviderRevocation =
  | "PROVIDER_REVOCATION_UNSPECIFIED"
  | "PROVIDER_REVOCATION_REVOKED"
  | "PROVIDER_REVOCATION_UNSUPPORTED"
  | "PROVIDER_REVOCATION_FAILED"
  | "PROVIDER_REVOCATION_SHARED";

export interface Revocation {
  installation: Installation;
  /** How the platform took it. Here it is over in any case. */
  providerRevocation: ProviderRevocation;
}

/** What there is to know and to do about installations. */
export interface InstallationsClient {
  /** Whether tokens are handed out, of any owner's if none is given. Rejects when the service cannot be asked. */
  isConnected(platform: string, owner?: string, options?: CallOptions): Promise<boolean>;
  /** Newest first; page after page is fetched while it is read. */
  installations(filter?: InstallationFilter, options?: CallOptions): AsyncIterableIterator<Installation>;
  /**
   * What there is, then every change, until the loop is left, the signal is aborted or the client is closed. Reconnects by
   * itself and goes on where it was; rejects when the service refuses.
   */
  watch(filter?: WatchFilter, options?: CallOptions): AsyncIterableIterator<InstallationChange>;
  /** A link for one person to connect a platform, once. */
  createInstallLink(request: InstallLinkRequest, options?: CallOptions): Promise<InstallLink>;
  /** Says who finished: the owner that is signed in to the browser which brought the code. */
  completeInstall(
    request: { readonly completionCode: string; readonly owner: string },
    options?: CallOptions,
  ): Promise<{ installations: Installation[] }>;
  /** Stops handing out tokens of an installation for good, and revokes them at the platform where it can be done. */
  revoke(
    request: string | { readonly installationId: string; readonly reason?: string },
    options?: CallOptions,
  ): Promise<Revocation>;
}
