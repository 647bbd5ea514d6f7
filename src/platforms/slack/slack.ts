import type { Platform, RevokeOutcome } from "../../domain/model/platform.ts";
import { registrationAt } from "../../domain/model/registration.ts";
import { send } from "../http.ts";
import { nothingToAskWith } from "../inspection.ts";
import type { PlatformWorld } from "../module.ts";
import { readSlackCallback, slackAuthorizationUrl } from "./authorize.ts";
import { parseSlackExchange, slackCodeRequest } from "./exchange.ts";
import { parseSlackIdentity, parseSlackInspection } from "./inspect.ts";
import { parseSlackRevocation, slackRevokeRequest } from "./revoke.ts";
import type { SlackConfig } from "./settings.ts";
import { parseSlackRefresh, parseSlackTest, slackRefreshRequest, slackTestRequest } from "./token.ts";
import { createSlackWebhooks } from "./webhooks.ts";

export type SlackOptions = SlackConfig & PlatformWorld;

/** Slack (OAuth v2), with and without token rotation, for one workspace or a whole Enterprise Grid organization. */
export function createSlack(options: SlackOptions): Platform {
  return {
    name: "slack",
    registration: registrationAt(options.clientId, options.slackUrl),
    products: ["slack"],
    holder: "organization",
    actors: ["app", "user"],
    // Slack speaks of a short grace period and does not say how short.
    reuseLeewayMs: 60_000,
    keepAliveMs: 14 * 86_400_000,
    narrowing: false,
    takesScopes: true,
    // A reinstall replaces the bot token of its workspace.
    consentSpendsOlder: true,
    apiBaseUrl: () => `${options.slackUrl}/api`,
    // A challenge would need PKCE, and enabling that makes the app a public client for good.
    usesPkce: () => false,
    authorizationUrl: (request) => slackAuthorizationUrl(options, request),
    readCallback: (query) => readSlackCallback(query),
    async exchange(request) {
      return parseSlackExchange(await send(slackCodeRequest(options, request), options));
    },
    async mint({ kind, actor, accessToken, refreshToken }) {
      if (kind === "rotating") {
        if (refreshToken === undefined) return { kind: "rejected", code: "no_refresh_token" };
        return parseSlackRefresh(await send(slackRefreshRequest(options, refreshToken), options), actor);
      }
      if (accessToken === undefined) return { kind: "rejected", code: "no_access_token" };
      return parseSlackTest(await send(slackTestRequest(options, accessToken), options));
    },
    async inspect(installation, { accessToken }) {
      if (accessToken === undefined) return nothingToAskWith;
      return parseSlackInspection(await send(slackTestRequest(options, accessToken), options), installation);
    },
    async identify({ accessToken }) {
      if (accessToken === undefined) return { kind: "unknown", code: "no_token" };
      return parseSlackIdentity(await send(slackTestRequest(options, accessToken), options));
    },
    // Request URL and events stand in the app's settings.
    registrar: { kind: "by_hand" },
    webhooks: createSlackWebhooks(options),
    // Without rotation it is the authorization behind the token that ends.
    revocationReach: (kind) => (kind === "rotating" ? "token" : "grant"),
    async revoke({ accessToken, refreshToken }) {
      // The refresh token first: what it could still obtain outlives the access token.
      const tokens = [refreshToken, accessToken].filter((token) => token !== undefined);
      const outcomes: RevokeOutcome[] = [];
      for (const token of tokens) {
        outcomes.push(parseSlackRevocation(await send(slackRevokeRequest(options.slackUrl, token), options)));
      }
      return outcomes.find((outcome) => outcome.kind !== "revoked") ?? outcomes[0] ?? noToken;
    },
  };
}

const noToken: RevokeOutcome = { kind: "failed", cause: "no_token" };
