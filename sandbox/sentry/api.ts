import type { Request } from "express";
import { type Answer, route } from "../http/answer.ts";
import { bearerToken } from "../http/authorization-header.ts";
import type { PlatformServer } from "../http/platform-server.ts";
import { readBody, textFields } from "../http/request-body.ts";
import { notFound, refusal } from "./authorizations.ts";
import type { SentryInstallation, SentryInstallations } from "./installations.ts";
import type { SentryRegistration } from "./registration.ts";

export interface SentryApiDependencies {
  readonly server: PlatformServer;
  readonly installations: SentryInstallations;
  readonly registration: SentryRegistration;
}

/** What an installation's token reaches: its installation and its organization. */
export function addSentryApi({ server, installations, registration }: SentryApiDependencies): void {
  const { routes } = server;
  const mayRead = () => registration.scopes.includes("org:read");

  const withToken = (handle: (holder: SentryInstallation, request: Request) => Answer) =>
    route((request) => {
      if (!request.path.endsWith("/")) server.recordFault(request, "Sentry's addresses end with a slash");
      const holder = installations.findByToken(bearerToken(request));
      return holder === undefined ? { status: 401, body: { detail: "Invalid token" } } : handle(holder, request);
    });
  const ofItsOwn = (handle: (installation: SentryInstallation, request: Request) => Answer) =>
    withToken((_holder, request) => {
      // Any of the same app: Sentry asks no more.
      const installation = installations.find(String(request.params.uuid));
      return installation === undefined ? notFound(registration) : handle(installation, request);
    });

  routes.get(
    "/api/0/sentry-app-installations/:uuid/",
    ofItsOwn((installation) => (mayRead() ? installationJson(installation, registration) : forbidden(registration))),
  );
  // Whatever the integration may do.
  routes.put(
    "/api/0/sentry-app-installations/:uuid/",
    ofItsOwn((installation, request) => {
      const { status } = textFields(readBody(request));
      if (status !== "installed") return { status: 400, body: { status: [`"${status}" is not a valid choice.`] } };
      installation.status = "installed";
      return installationJson(installation, registration);
    }),
  );
  routes.delete(
    "/api/0/sentry-app-installations/:uuid/",
    ofItsOwn((installation) => {
      if (!registration.scopes.some((scope) => uninstallScopes.has(scope))) return forbidden(registration);
      installations.uninstall(installation);
      return { status: 204 };
    }),
  );
  routes.get(
    "/api/0/organizations/:slug/",
    withToken(({ organization: { id, slug, name } }, request) => {
      if (!mayRead()) return forbidden(registration);
      if (slug !== request.params.slug)
        return { status: 404, body: { detail: "The requested resource does not exist" } };
      return { status: 200, body: { id, slug, name } };
    }),
  );
}

const uninstallScopes: ReadonlySet<string> = new Set(["org:integrations", "org:write", "org:admin"]);

function forbidden(registration: SentryRegistration): Answer {
  return refusal(registration, 403, "You do not have permission to perform this action.");
}

function installationJson({ uuid, organization, status }: SentryInstallation, { slug }: SentryRegistration): Answer {
  return {
    status: 200,
    body: {
      app: { uuid: "00000000-0000-4000-8000-000000000001", slug },
      organization: { slug: organization.slug, id: Number(organization.id) },
      uuid,
      status,
    },
  };
}
