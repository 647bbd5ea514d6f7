import type { Webhook } from "./webhook.ts";

/**
 * `pending`: made through a link and not completed yet; `reauthorization_required`: a person must connect again.
 * `revoked` is final.
 */
export type InstallationStatus = "pending" | "active" | "suspended" | "reauthorization_required" | "revoked";

/** One organization, workspace, site or account that installed us. Holds no secret. */
export interface Installation {
  /** UUIDv7. */
  readonly id: string;
  /** The platform that was connected: `github`, `github-oauth`, `jira` (also for Confluence), `slack`. */
  readonly platform: string;
  /** The platform names this installation can be asked for by: `["jira", "confluence"]` for a site with both. */
  readonly products: readonly string[];
  readonly status: InstallationStatus;
  /** The callers' own name for the tenant or user it belongs to; undefined for a single-organization service. */
  readonly owner: string | undefined;
  /** GitHub account id, Slack team or enterprise id, Atlassian cloud id. */
  readonly externalOrgId: string;
  readonly externalOrgName: string;
  /** GitHub installation id; undefined where the platform has none. */
  readonly externalInstallId: string | undefined;
  /** The person whose grant it is (Atlassian account id, GitHub user id); undefined where an organization installed us. */
  readonly externalUserId: string | undefined;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  /** Who clicked *Connect*, in the platform's own naming. */
  readonly installedBy: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** How the platform tells us of events; undefined where it does not, or nothing was tried yet. */
  readonly webhook: Webhook | undefined;
  /** Of the natural actor's credential. */
  readonly tokenExpiresAt: Date | undefined;
  readonly lastRefreshedAt: Date | undefined;
  /**
   * Code of the last failed mint of the natural credential, e.g. `unavailable` or the platform's error code; where tokens
   * are fine, `webhook:` and why its own webhook is not.
   */
  readonly lastError: string | undefined;
  readonly lastUsedAt: Date | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly revokedAt: Date | undefined;
}

/** What revoking at the platform came to. */
export type ProviderRevocation = "revoked" | "unsupported" | "failed" | "shared";

/** A place in the list of installations, newest first. */
export interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

export interface InstallationFilter {
  /** A platform name as callers use it (a product): `confluence` selects what serves Confluence. */
  readonly platform?: string | undefined;
  readonly status?: InstallationStatus | undefined;
  readonly externalOrgId?: string | undefined;
  readonly externalInstallId?: string | undefined;
  readonly owner?: string | undefined;
}

/** What a list is asked for. */
export interface SearchableFilter extends InstallationFilter {
  /** The beginning of the organization's name or of the owner, in any case; or one of its ids, whole. */
  readonly search?: string | undefined;
}
