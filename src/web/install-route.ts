import type { StartedAttempt, StartFromLink, StartInstall } from "../domain/install.ts";
import { parseReturnTo, type ReturnOrigins } from "../domain/return-to.ts";
import { Secret } from "../secret.ts";
import { type AnswerFailure, redirect } from "./answers.ts";
import type { BindingCookies } from "./binding-cookie.ts";
import type { WebHandler, WebRequest, WebResponse } from "./handler.ts";
import { hasRepeated, readQuery } from "./query.ts";
import { refusal } from "./refusal.ts";

const longestOwner = 256;

/** `GET /oauth/install/{platform}`: begins an attempt and sends the browser to the platform. */
export function installRoute(parts: {
  readonly startInstall: StartInstall;
  readonly startFromLink: StartFromLink;
  readonly installMode: "open" | "link";
  readonly cookies: BindingCookies;
  readonly origins: ReturnOrigins;
  readonly answerFailure: AnswerFailure;
}): WebHandler<{ platform: string }> {
  const { startInstall, startFromLink, installMode, cookies, origins, answerFailure } = parts;

  return async (request, response) => {
    const { platform } = request.params;
    const query = readQuery(request);
    if (query === undefined || hasRepeated(query)) return answerFailure(request, response, "invalid_request", platform);
    const link = query.get("link") || undefined;
    if (link !== undefined) return fromLink(request, response, platform, new Secret(link));
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
  async function fromLink(request: WebRequest, response: WebResponse, platform: string, link: Secret): Promise<void> {
    try {
      const outcome = await startFromLink({ platform, link });
      if (outcome.kind === "started") return send(response, outcome.attempt);
      answerFailure(request, response, outcome.failure, platform);
    } catch (error) {
      answerFailure(request, response, refusal(error), platform);
    }
  }

  function send(response: WebResponse, { binding, redirectTo }: StartedAttempt): void {
    cookies.set(response, binding);
    redirect(response, redirectTo);
  }
}

function isOwner(owner: string): boolean {
  return [...owner].length <= longestOwner && !/\p{Cc}/u.test(owner);
}
