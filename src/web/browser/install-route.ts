import type { StartedAttempt, StartFromLink, StartInstall } from "../../domain/connecting/browser-flow.ts";
import { parseReturnTo, type ReturnOrigins } from "../../domain/connecting/return-to.ts";
import { Secret } from "../../secret.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { hasRepeated, readQuery } from "../query.ts";
import { type AnswerFailure, redirect, sendPage } from "./answers.ts";
import { onBaseUrl } from "./base-url.ts";
import type { BindingCookies } from "./binding-cookie.ts";
import { refusal } from "./refusal.ts";
import { confirmPage, type PlatformLabel } from "./result-pages.ts";

const longestOwner = 256;
/** How long a person may read who asks; then the page is shown again. */
const pageSeconds = 600;
/** What says that the page was read: the value of its cookie. */
const goOn = "go_on";

/** `GET /oauth/install/{platform}`: begins an attempt and sends the browser to the platform. */
export function installRoute(parts: {
  readonly startInstall: StartInstall;
  readonly startFromLink: StartFromLink;
  readonly installMode: "open" | "link";
  readonly cookies: BindingCookies;
  readonly origins: ReturnOrigins;
  readonly platformLabel: PlatformLabel;
  readonly answerFailure: AnswerFailure;
  readonly baseUrl: URL;
  readonly random: (bytes: number) => Buffer;
}): WebHandler<{ platform: string }> {
  const { startInstall, startFromLink, installMode, cookies, origins, baseUrl, random } = parts;
  const { platformLabel, answerFailure } = parts;

  return async (request, response) => {
    const { platform } = request.params;
    const query = readQuery(request);
    if (query === undefined || hasRepeated(query)) return answerFailure(request, response, "invalid_request", platform);
    const link = query.get("link") || undefined;
    if (link !== undefined) return fromLink(request, response, platform, new Secret(link), query.get(goOn));
    // Also an empty link, in open mode too: without it the owner it stands for would be lost.
    if (installMode === "link" || query.has("link")) return answerFailure(request, response, "link_required", platform);
    const owner = query.get("owner") || undefined;
    if (owner !== undefined && !isOwner(owner)) return answerFailure(request, response, "invalid_request", platform);
    const returnTo = query.get("return_to") || undefined;
    const back = returnTo === undefined ? undefined : parseReturnTo(returnTo, origins);
    if (returnTo !== undefined && back === undefined) {
      return answerFailure(request, response, "return_to_not_allowed", platform);
    }
    let started: StartedAttempt;
    try {
      started = await startInstall({ platform, owner, returnTo: back?.href });
    } catch (error) {
      return answerFailure(request, response, refusal(error), platform);
    }
    send(response, started);
  };

  /** Whatever else stands in the query says nothing: the link says it all. */
  async function fromLink(
    request: WebRequest,
    response: WebResponse,
    platform: string,
    link: Secret,
    pressed: string | null,
  ): Promise<void> {
    const name = `page-${link.fingerprint().slice(0, 16)}`;
    // Only the page itself knows what its cookie holds, and a browser that looks ahead has pressed nothing.
    const confirmed = pressed !== null && pressed === cookies.read(request, name) && !isPrefetch(request);
    try {
      const outcome = await startFromLink({ platform, link, confirmed });
      switch (outcome.kind) {
        case "started":
          if (confirmed) cookies.clear(response, name);
          return send(response, outcome.attempt);
        case "unconfirmed":
          return ask(response, { platform, link, name, ...outcome });
        case "refused":
          return answerFailure(request, response, outcome.failure, platform);
      }
    } catch (error) {
      answerFailure(request, response, refusal(error), platform);
    }
  }

  function ask(
    response: WebResponse,
    asked: {
      readonly platform: string;
      readonly link: Secret;
      readonly name: string;
      readonly caller: string;
      readonly owner: string | undefined;
    },
  ): void {
    const { platform, link, name, caller, owner } = asked;
    const value = new Secret(random(32).toString("base64url"));
    cookies.set(response, { name, value, maxAgeSeconds: pageSeconds });
    const next = onBaseUrl(baseUrl, `/oauth/install/${platform}`);
    next.searchParams.set("link", link.reveal());
    next.searchParams.set(goOn, value.reveal());
    sendPage(response, 200, confirmPage({ platform, caller, owner, goOn: next, platformLabel }));
  }

  function send(response: WebResponse, { binding, redirectTo }: StartedAttempt): void {
    cookies.set(response, binding);
    redirect(response, redirectTo);
  }
}

function isOwner(owner: string): boolean {
  return [...owner].length <= longestOwner && !/\p{Cc}/u.test(owner);
}

/** As browsers say it: by the standard, and in the spelling of older ones. */
function isPrefetch({ headers }: WebRequest): boolean {
  return [headers["sec-purpose"], headers.purpose, headers["x-moz"]].some((value) =>
    /prefetch|prerender/i.test(String(value)),
  );
}
