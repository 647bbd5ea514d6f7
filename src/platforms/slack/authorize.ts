import type { AuthorizationRequest, Callback } from "../../domain/model/platform.ts";
import { readCodeCallback } from "../code-callback.ts";
import { wordsAbout } from "../refusals.ts";
import { slackCodeRefusals } from "./refusals.ts";

/** What the consent page has to know about us. */
export interface SlackConsent {
  readonly clientId: string;
  /** Of the bot. */
  readonly scopes: readonly string[];
  /** Of the person who installs. */
  readonly userScopes: readonly string[];
  readonly slackUrl: string;
}

/** The consent page (page "Installing with OAuth"). Slack separates scopes by commas. */
export function slackAuthorizationUrl(consent: SlackConsent, request: AuthorizationRequest): URL {
  const url = new URL(`${consent.slackUrl}/oauth/v2/authorize`);
  // Of the bot, unless only people connect.
  const { extraScopes = [] } = request;
  const ofPeople = consent.scopes.length === 0 && consent.userScopes.length > 0;
  const scopes = [...new Set([...consent.scopes, ...(ofPeople ? [] : extraScopes)])];
  const userScopes = [...new Set([...consent.userScopes, ...(ofPeople ? extraScopes : [])])];
  url.search = new URLSearchParams({
    client_id: consent.clientId,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(",") }),
    ...(userScopes.length === 0 ? {} : { user_scope: userScopes.join(",") }),
    redirect_uri: request.redirectUri,
    state: request.state,
  }).toString();
  return url;
}

const registrationErrors = wordsAbout(slackCodeRefusals, "registration");

/** Only `access_denied` is documented beside a code. */
export function readSlackCallback(query: URLSearchParams): Callback {
  return readCodeCallback(query, registrationErrors);
}
