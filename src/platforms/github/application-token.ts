import type { MintOutcome } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { basicAuthorization, type PlatformReply, type PlatformRequest } from "../http.ts";
import { asRecord } from "../json.ts";
import { apiRequest, causeOf, type GithubSite, messageOf, type NoAnswer, unrecognised } from "./api.ts";

/** What became of a token that was to be deleted. */
export type Deletion =
  | { readonly kind: "deleted" }
  | { readonly kind: "already_invalid" }
  | { readonly kind: "failed"; readonly cause: string };

/** Asks whether a token still works (GitHub REST, "Check a token"). */
export function buildTokenCheck(site: GithubSite, token: Secret): PlatformRequest {
  return applicationTokenRequest("POST", site, token);
}

/** Reads the answer to a token check: only GitHub's own 404, with its message, says that the token is dead. */
export function parseTokenCheck(reply: PlatformReply): MintOutcome {
  if (reply.kind === "unavailable") return reply;
  if (reply.status === 200 && asRecord(reply.body) !== undefined) return { kind: "confirmed" };
  if (reply.status === 404 && messageOf(reply) !== "") return { kind: "rejected", code: "token_revoked" };
  return reply.status === 401 ? clientRefused : unrecognised(reply);
}

/** Ends one token, leaving others of the same person alone (GitHub REST, "Delete an app token"). */
export function buildTokenDeletion(site: GithubSite, token: Secret): PlatformRequest {
  return applicationTokenRequest("DELETE", site, token);
}

/** Reads the answer to a token deletion; a token that does not work any more is answered with 404 or 422. */
export function parseTokenDeletion(reply: PlatformReply): Deletion {
  if (reply.kind === "unavailable") return { kind: "failed", cause: causeOf(reply) };
  if (reply.status === 204) return { kind: "deleted" };
  if ((reply.status === 404 || reply.status === 422) && messageOf(reply) !== "") return { kind: "already_invalid" };
  return { kind: "failed", cause: causeOf(reply.status === 401 ? clientRefused : unrecognised(reply)) };
}

const clientRefused: NoAnswer = { kind: "misconfigured", code: "client_credentials_refused" };

function applicationTokenRequest(method: "POST" | "DELETE", site: GithubSite, token: Secret): PlatformRequest {
  const url = `${site.apiUrl}/applications/${encodeURIComponent(site.clientId)}/token`;
  const authorization = basicAuthorization(site.clientId, site.clientSecret.reveal());
  return apiRequest(method, url, authorization, { access_token: token.reveal() });
}
