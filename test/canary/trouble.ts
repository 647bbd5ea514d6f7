import type { TappedPlatform } from "./target.ts";
import type { TappedAnswer, TappedRequest } from "./wire-tap.ts";

export const platforms = ["github", "github-oauth", "jira", "slack"] as const;
export type PlatformName = (typeof platforms)[number];

export const tapOf: Record<PlatformName, TappedPlatform> = {
  github: "github",
  "github-oauth": "github",
  jira: "atlassian",
  slack: "slack",
};

/** Where a platform gives tokens, and where it says who somebody is. */
export const tokenPaths =
  /\/login\/oauth\/access_token$|\/access_tokens$|\/oauth\/token$|\/oauth\.v2\.access$|\/auth\.test$|\/applications\/[^/]+\/token$/;
export const factPaths = /\/user$|\/user\/installations$|\/accessible-resources$|\/me$|\/myself$/;
export const endPaths = /\/oauth\/revoke$|\/auth\.revoke$|\/app\/installations\/\d+$|\/applications\/[^/]+\/token$/;

/** Everything the request holds, in a platform's own error page. */
export function echo({ headers, body }: TappedRequest): string {
  return JSON.stringify({ authorization: headers.authorization, body });
}

/** The secret that the request is about. */
function secretOf({ headers, body }: TappedRequest): string {
  const found = /"?(?:refresh_token|code|access_token|token)"?[=:]"?([^"&]+)/.exec(body);
  return decodeURIComponent(found?.[1] ?? headers.authorization?.split(" ")[1] ?? "nothing");
}

/** Ways to fail that give the secret back to who sent it. */
export const echoes = {
  "a gateway's page": (request) => ({
    status: 502,
    headers: { "content-type": "text/html" },
    body: `<pre>${echo(request)}</pre>`,
  }),
  "an error that is the secret": (request) => ({
    status: 400,
    body: JSON.stringify({
      ok: false,
      error: secretOf(request),
      error_description: echo(request),
      message: echo(request),
    }),
  }),
  "an error inside 200": (request) => ({
    status: 200,
    body: JSON.stringify({ ok: false, error: secretOf(request), error_description: echo(request) }),
  }),
  "a wrong client": (request) => ({
    status: 401,
    body: JSON.stringify({
      error: "invalid_client",
      error_description: echo(request),
      message: `Bad credentials ${echo(request)}`,
    }),
  }),
  "a limit": (request) => ({ status: 429, headers: { "retry-after": "1" }, body: echo(request) }),
  "a redirect": (request) => ({
    status: 302,
    headers: { location: `http://127.0.0.1:9/?token=${encodeURIComponent(secretOf(request))}` },
    body: "",
  }),
  "half of an answer": (request) => ({
    status: 200,
    body: `{"ok":true,"token_type":"bearer","access_token":"${secretOf(request)}`,
    broken: true,
  }),
  "broken JSON": (request) => ({ status: 200, body: `{"access_token":"${secretOf(request)}",` }),
} satisfies Record<string, (request: TappedRequest) => TappedAnswer>;

/** How each platform calls a code that is spent, or a refresh token that is dead. */
export const refusals: Record<
  PlatformName,
  { readonly code: string; readonly token: string; readonly status: number }
> = {
  github: { code: "bad_verification_code", token: "Not Found", status: 200 },
  "github-oauth": { code: "bad_verification_code", token: "bad_refresh_token", status: 200 },
  jira: { code: "invalid_grant", token: "invalid_grant", status: 403 },
  slack: { code: "invalid_code", token: "invalid_refresh_token", status: 200 },
};
