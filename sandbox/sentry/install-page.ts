import { type Consent, sendPage } from "../http/consent.ts";
import { messagePage } from "../http/pages.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import {
  organizations,
  type SentryInstallation,
  type SentryInstallations,
  type SentryOrganization,
} from "./installations.ts";
import type { SentryRegistration } from "./registration.ts";

export interface SentryInstallPageDependencies {
  readonly server: PlatformServer;
  readonly consent: Consent;
  readonly installations: SentryInstallations;
  readonly registration: SentryRegistration;
  /** The organization that is picked where the person does not see the page. */
  readonly preferred: () => SentryOrganization;
}

/** `GET /sentry-apps/{slug}/external-install/`. Whoever closes the page is sent nowhere. */
export function addSentryInstallPage(dependencies: SentryInstallPageDependencies): void {
  const { server, consent, installations, registration, preferred } = dependencies;

  server.routes.get("/sentry-apps/:slug/external-install/", async (request, response) => {
    const query = new URL(request.originalUrl, server.url).searchParams;
    const surplus = [...query.keys()].filter((name) => name !== "state");
    if (surplus.length > 0) server.recordFault(request, `the install page takes no ${surplus.join(", ")}`);
    if (!request.path.endsWith("/")) server.recordFault(request, "Sentry's addresses end with a slash");
    if (request.params.slug !== registration.slug) {
      server.recordFault(request, "no integration has this slug");
      return sendPage(response, 404, messagePage("Page not found", "There is no such integration."));
    }
    const state = query.get("state");
    await consent.ask(
      response,
      {
        platform: "Sentry",
        heading: "Install oauth-token-service",
        person: "jane",
        asks: registration.scopes,
        choices: organizations.map(({ id, name }) => ({ value: id, label: name })),
      },
      {
        approve(choice) {
          const organization = organizations.find(({ id }) => id === choice) ?? preferred();
          const status = registration.verifyInstall ? "pending" : "installed";
          const installation = installations.install(organization, status);
          // The page says that it is installed already, and sends nobody back.
          return installation && sentryRedirect(registration, installation, state);
        },
        deny: () => undefined,
      },
    );
  });
}

/** Where the browser goes after an install. */
export function sentryRedirect(
  { redirectUrl, server }: SentryRegistration,
  { uuid, grant, organization }: SentryInstallation,
  state: string | null,
): string | undefined {
  if (redirectUrl === undefined) return undefined;
  const url = new URL(redirectUrl);
  url.searchParams.set("installationId", uuid);
  if (grant !== undefined) url.searchParams.set("code", grant.code);
  url.searchParams.set("orgSlug", organization.slug);
  if (state !== null && server === "current") url.searchParams.set("state", state);
  return url.href;
}
