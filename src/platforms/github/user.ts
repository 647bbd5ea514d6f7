import type { Secret } from "../../secret.ts";
import { type PlatformReply, type PlatformRequest, send } from "../http.ts";
import { asRecord, idAt, nameAt, stringAt } from "../json.ts";
import { apiRequest, type GithubSite, type NoAnswer, unrecognised } from "./api.ts";
import { parseScopes } from "./user-token.ts";

/** The person a user token belongs to. */
export interface GithubUser {
  readonly kind: "user";
  readonly id: string;
  /** Changes when the person renames the account. */
  readonly login: string;
  /** `User` or `Organization`. */
  readonly type: string | undefined;
  /** What the token was granted, where GitHub says so (`X-OAuth-Scopes`). */
  readonly scopes: readonly string[] | undefined;
}

/** Asks whose token it is (GitHub REST, "Get the authenticated user"). */
export async function fetchUser(site: GithubSite, token: Secret): Promise<GithubUser | NoAnswer> {
  return parseUser(await send(buildUserRequest(site, token), site));
}

/** The request behind `fetchUser`. */
export function buildUserRequest(site: GithubSite, token: Secret): PlatformRequest {
  return apiRequest("GET", `${site.apiUrl}/user`, `Bearer ${token.reveal()}`);
}

/** Reads the answer to `buildUserRequest`. */
export function parseUser(reply: PlatformReply): GithubUser | NoAnswer {
  if (reply.kind === "unavailable") return reply;
  const id = idAt(reply.body, "id");
  const isUser = id !== undefined && typeof asRecord(reply.body)?.login === "string";
  if (reply.status !== 200 || !isUser) return unrecognised(reply);
  const scopes = reply.headers.get("x-oauth-scopes");
  return {
    kind: "user",
    id,
    login: nameAt(reply.body, "login") ?? id,
    type: stringAt(reply.body, "type"),
    scopes: scopes === null ? undefined : parseScopes(scopes),
  };
}
