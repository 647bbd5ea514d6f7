import type { Actor, TokenSet } from "../../domain/model/credential.ts";
import type { MintOutcome } from "../../domain/model/platform.ts";
import { Secret } from "../../secret.ts";
import { lifeOf } from "../expiry.ts";
import { basicAuthorization, formRequest, type PlatformReply, type PlatformRequest, unavailable } from "../http.ts";
import { numberAt, recordAt, stringAt } from "../json.ts";
import { aboutOf, mintRefusal } from "../refusals.ts";
import { slackRefreshRefusals, slackTokenRefusals } from "./refusals.ts";
import { parseSlackAnswer } from "./reply.ts";

/** How long a token lives that rotates, in seconds: what is believed where an answer does not say, or says nonsense (page "Using token rotation"). */
export const usualLifeSeconds = 43_200;

/** How we authenticate at Slack's token endpoint. */
export interface SlackClient {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly slackUrl: string;
}

/**
 * A call of `oauth.v2.access`. Slack asks for HTTP Basic instead of parameters, which also keeps the secret out of the
 * form; client ids and secrets consist of characters that no encoding touches.
 */
export function slackAccessRequest(client: SlackClient, form: Readonly<Record<string, string>>): PlatformRequest {
  return formRequest(`${client.slackUrl}/api/oauth.v2.access`, form, {
    authorization: basicAuthorization(client.clientId, client.clientSecret.reveal()),
  });
}

/** Refreshes one of the two tokens (page "Using token rotation"): bot and person each have a refresh token. */
export function slackRefreshRequest(client: SlackClient, refreshToken: Secret): PlatformRequest {
  return slackAccessRequest(client, { grant_type: "refresh_token", refresh_token: refreshToken.reveal() });
}

/** Asks whether a token works; changes nothing. */
export function slackTestRequest(client: SlackClient, accessToken: Secret): PlatformRequest {
  const authorization = `Bearer ${accessToken.reveal()}`;
  return formRequest(`${client.slackUrl}/api/auth.test`, {}, { authorization });
}

/** Reads the answer to a refresh. The token is at the top level; by some accounts a person's is in `authed_user`. */
export function parseSlackRefresh(reply: PlatformReply, actor: Actor): MintOutcome {
  const answer = parseSlackAnswer(reply);
  switch (answer.kind) {
    case "ok": {
      const places = [answer.body, recordAt(answer.body, "authed_user")];
      const tokens = places.map((place) => readSlackTokens(place, actor, answer.sentAt, true)).find(isDefined);
      return tokens === undefined ? unavailable("unreadable_body", true) : { kind: "minted", tokens };
    }
    case "refused":
      return mintRefusal(aboutOf(slackRefreshRefusals, answer.code), answer.code);
    default:
      return answer;
  }
}

/** Reads the answer to `auth.test`. */
export function parseSlackTest(reply: PlatformReply): MintOutcome {
  const answer = parseSlackAnswer(reply);
  switch (answer.kind) {
    case "ok":
      return { kind: "confirmed", ofAnyClient: true };
    case "refused":
      return mintRefusal(aboutOf(slackTokenRefusals, answer.code), answer.code);
    default:
      return answer;
  }
}

/**
 * The actor's token at this level of a reply; undefined if there is none or it is the other actor's. `refreshed`: asked
 * for with a refresh token, so that it ends also where the reply does not say when.
 */
export function readSlackTokens(place: unknown, actor: Actor, sentAt: Date, refreshed = false): TokenSet | undefined {
  const accessToken = stringAt(place, "access_token");
  const type = stringAt(place, "token_type");
  if (accessToken === undefined || type === (actor === "app" ? "user" : "bot")) return undefined;
  const refreshToken = stringAt(place, "refresh_token");
  const rotates = refreshed || refreshToken !== undefined;
  return {
    token: {
      value: new Secret(accessToken),
      ...lifeOf({ sentAt }, numberAt(place, "expires_in"), rotates ? usualLifeSeconds : undefined),
    },
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    scopes: stringAt(place, "scope")
      ?.split(",")
      .filter((scope) => scope !== ""),
    permissions: undefined,
    grantExpiresAt: undefined,
  };
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
