import { proofOf } from "../../domain/model/client-proof.ts";
import type { Platform } from "../../domain/model/platform.ts";
import { registrationAt } from "../../domain/model/registration.ts";
import type { ModuleWorld } from "../module.ts";
import { readSentryCallback, sentryInstallUrl } from "./authorize.ts";
import { exchangeSentryCode } from "./exchange.ts";
import { confirmSentry, identifySentry, inspectSentry } from "./inspect.ts";
import { mintSentryToken } from "./mint.ts";
import { uninstallSentry } from "./revoke.ts";
import type { SentryConfig } from "./settings.ts";
import { createSentryWebhooks } from "./webhooks.ts";

export type SentryOptions = SentryConfig & ModuleWorld;

/** A Sentry public integration, on sentry.io or a server of one's own: each organization installs it once. */
export function createSentry(options: SentryOptions): Platform {
  return {
    name: "sentry",
    registration: registrationAt(options.clientId, options.sentryUrl),
    products: ["sentry"],
    holder: "organization",
    actors: ["app"],
    reuseLeewayMs: 0,
    // Servers of one's own clean up tokens that ended 30 days ago.
    keepAliveMs: 14 * 86_400_000,
    narrowing: false,
    takesScopes: false,
    codeProvesInstall: true,
    consentSpendsOlder: false,
    apiBaseUrl: () => `${options.sentryUrl}/api/0`,
    usesPkce: () => false,
    authorizationUrl: (request) => sentryInstallUrl(options, request),
    readCallback: (query) => readSentryCallback(query),
    exchange: (request) => exchangeSentryCode(options, request),
    async proveClient(madeUp) {
      const outcome = await exchangeSentryCode(options, madeUp);
      // Who is not installed there is told so before anybody looks at the client.
      const isGone = outcome.kind === "code_rejected" && outcome.code === "installation_unknown";
      return isGone ? { kind: "unproven", code: outcome.code } : proofOf(outcome);
    },
    mint: (credential) => mintSentryToken(options, credential),
    confirmInstall: async ({ externalInstallId: uuid }, accessToken) =>
      uuid === undefined ? { kind: "failed", code: "no_install_id" } : confirmSentry(options, uuid, accessToken),
    inspect: (_, credential) => inspectSentry(options, credential),
    identify: (row) => identifySentry(options, row),
    registrar: { kind: "by_hand" },
    webhooks: createSentryWebhooks(options),
    revocationReach: () => "app",
    revoke: (credential) => uninstallSentry(options, credential),
  };
}
