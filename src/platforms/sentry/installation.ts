import type { Secret } from "../../secret.ts";
import { jsonRequest, type PlatformRequest } from "../http.ts";
import { idAt, nameAt, recordAt, stringAt } from "../json.ts";

/** What Sentry says of an installation. */
export interface SentryInstallation {
  /** As Sentry writes it: the one that a browser brings is anybody's. */
  readonly uuid: string;
  readonly organizationId: string;
  readonly organizationSlug: string;
  /** `pending` until we have said that it is installed, where the integration has "Verify Install" on. */
  readonly status: string | undefined;
  /** Kept with the installation. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** With a slash at the end: without it Sentry redirects, and a POST becomes a GET. */
export function installationUrl(sentryUrl: string, uuid: string): string {
  return `${sentryUrl}/api/0/sentry-app-installations/${encodeURIComponent(uuid)}/`;
}

export function sentryInstallationRequest(sentryUrl: string, uuid: string, accessToken: Secret): PlatformRequest {
  return { method: "GET", url: installationUrl(sentryUrl, uuid), headers: bearer(accessToken) };
}

/** "Verify Install": says that we have what we need. Answers as the request above, whatever the integration may see. */
export function sentryInstalledRequest(sentryUrl: string, uuid: string, accessToken: Secret): PlatformRequest {
  return jsonRequest("PUT", installationUrl(sentryUrl, uuid), { status: "installed" }, bearer(accessToken));
}

/** Uninstalls the integration: there is nothing that would end a token alone. */
export function sentryUninstallRequest(sentryUrl: string, uuid: string, accessToken: Secret): PlatformRequest {
  return { method: "DELETE", url: installationUrl(sentryUrl, uuid), headers: bearer(accessToken) };
}

/** The organization by its name for people, where the integration may read it (`org:read`). */
export function sentryOrganizationRequest(sentryUrl: string, slug: string, accessToken: Secret): PlatformRequest {
  return {
    method: "GET",
    url: `${sentryUrl}/api/0/organizations/${encodeURIComponent(slug)}/`,
    headers: bearer(accessToken),
    keep: { id: true, name: true },
  };
}

/** Undefined if it is none, or another one than was asked for. */
export function readSentryInstallation(body: unknown, uuid: string): SentryInstallation | undefined {
  const organization = recordAt(body, "organization");
  const organizationId = idAt(organization, "id");
  const organizationSlug = nameAt(organization, "slug");
  if (organizationId === undefined || organizationSlug === undefined) return undefined;
  const own = idAt(body, "uuid");
  if (own === undefined || plain(own) !== plain(uuid)) return undefined;
  const metadata = { organization_slug: organizationSlug };
  return { uuid: own, organizationId, organizationSlug, status: stringAt(body, "status"), metadata };
}

/** With and without hyphens it is the same. */
function plain(uuid: string): string {
  return uuid.replaceAll("-", "").toLowerCase();
}

function bearer(accessToken: Secret): Readonly<Record<string, string>> {
  return { accept: "application/json", authorization: `Bearer ${accessToken.reveal()}` };
}
