import type { TokenSet } from "../../domain/model/credential.ts";
import type { Unavailable } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { type PlatformReply, type PlatformRequest, retryAfterMs, unavailable } from "../http.ts";
import { idAt, nameAt } from "../json.ts";
import type { AtlassianSite } from "./sites.ts";

/** The person behind a grant. */
export interface AtlassianAccount {
  /** What the grant is stored under: the account id, or a name of its own if Atlassian does not tell us the person. */
  readonly subject: string;
  readonly id: string | undefined;
  readonly name: string | undefined;
}

/** `hidden`: this API does not tell us who it is (scope, product access or API missing). */
export type AccountAnswer =
  | { readonly kind: "account"; readonly account: AtlassianAccount }
  | { readonly kind: "hidden" }
  | Unavailable;

/** So many places are asked at most: a person waits. */
const maxPlaces = 8;

/**
 * Where to ask who the person is, best first: the User Identity API if `read:me` was granted, then the products of each
 * site the grant reaches, since one that is suspended or has moved tells nothing.
 */
export function atlassianAccountRequests(
  apiUrl: string,
  accessToken: Secret,
  scopes: readonly string[],
  sites: readonly AtlassianSite[],
): readonly PlatformRequest[] {
  const paths = [
    ...(scopes.includes("read:me") ? ["/me"] : []),
    ...sites.flatMap(({ cloudId, products }) => {
      const id = encodeURIComponent(cloudId);
      return [
        ...(products.includes("jira") ? [`/ex/jira/${id}/rest/api/3/myself`] : []),
        ...(products.includes("confluence") ? [`/ex/confluence/${id}/wiki/rest/api/user/current`] : []),
      ];
    }),
  ].slice(0, maxPlaces);
  const headers = { accept: "application/json", authorization: `Bearer ${accessToken.reveal()}` };
  return paths.map((path) => ({ method: "GET", url: `${apiUrl}${path}`, headers }));
}

/** Reads any of those answers: `account_id` at `/me`, `accountId` at the products. Trouble of a site's is that site's. */
export function parseAtlassianAccountAt(request: PlatformRequest, reply: PlatformReply): AccountAnswer {
  const answer = parseAtlassianAccount(reply);
  const isOfSite = new URL(request.url).pathname.includes("/ex/");
  const ofSite = reply.kind === "reply" ? reply.status !== 429 : reply.cause.startsWith("http_3");
  return answer.kind === "unavailable" && isOfSite && ofSite ? { kind: "hidden" } : answer;
}

/** The same, wherever it was asked. */
export function parseAtlassianAccount(reply: PlatformReply): AccountAnswer {
  if (reply.kind === "unavailable") return reply;
  const { status, body, headers, receivedAt } = reply;
  if ([401, 403, 404, 501].includes(status)) return { kind: "hidden" };
  if (status !== 200) return unavailable(`http_${status}`, true, retryAfterMs(headers, receivedAt));
  const id = idAt(body, "account_id") ?? idAt(body, "accountId");
  if (id === undefined) return unavailable("unreadable_body", true);
  return {
    kind: "account",
    account: { subject: id, id, name: nameAt(body, "name") ?? nameAt(body, "displayName") },
  };
}

/**
 * Names a grant whose person stays hidden: the SHA-256 of the first refresh token, which no other grant has. Its
 * installations are known by site and owner alone, so whoever connects a site next takes the grant's place there.
 */
export function hiddenAccount(tokens: TokenSet): AtlassianAccount {
  const subject = `grant:${(tokens.refreshToken ?? tokens.token.value).fingerprint()}`;
  return { subject, id: undefined, name: undefined };
}
