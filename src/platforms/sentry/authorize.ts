import type { AuthorizationRequest, Callback } from "../../domain/model/platform.ts";
import { readCodeCallback } from "../code-callback.ts";

/** Also what goes into addresses of the API: whoever sends a browser to us chooses it. */
const uuid = /^[\da-f]{8}-?(?:[\da-f]{4}-?){3}[\da-f]{12}$/i;

/**
 * The page that installs the integration. Everything but `state` is fixed in the registration; servers that do not know
 * `state` leave it out of the callback.
 */
export function sentryInstallUrl(
  { sentryUrl, slug }: { readonly sentryUrl: string; readonly slug: string },
  { state }: Pick<AuthorizationRequest, "state">,
): URL {
  const url = new URL(`${sentryUrl}/sentry-apps/${slug}/external-install/`);
  url.searchParams.set("state", state);
  return url;
}

/**
 * Reads `code` and `installationId`, which have to fit together at the exchange: so they prove the install also where it
 * began in Sentry's own directory, without a state.
 */
export function readSentryCallback(query: URLSearchParams): Callback {
  const callback = readCodeCallback(query, noErrors);
  if (callback.kind !== "code") return callback;
  const [installationId = "", ...more] = query.getAll("installationId");
  if (more.length > 0 || !uuid.test(installationId)) return { kind: "malformed" };
  return { ...callback, hint: installationId };
}

/** Sentry documents none: who does not want to install stays there. */
const noErrors: ReadonlySet<string> = new Set();
