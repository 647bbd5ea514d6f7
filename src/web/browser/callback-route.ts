import type { FinishInstall, FinishOutcome, FinishRequest } from "../../domain/connecting/browser-flow.ts";
import { parseReturnTo, type ReturnOrigins } from "../../domain/connecting/return-to.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { hasRepeated, readQuery } from "../query.ts";
import { type AnswerFailure, prefersJson, redirect, sendPage } from "./answers.ts";
import { atBaseUrl } from "./base-url.ts";
import type { BindingCookies } from "./binding-cookie.ts";
import { failureTexts } from "./failures.ts";
import { installationJson } from "./installation-json.ts";
import { refusal } from "./refusal.ts";
import { connectedPage, type PlatformLabel } from "./result-pages.ts";

/** `GET /oauth/callback/{platform}`: finishes the attempt and says how it ended. */
export function callbackRoute(parts: {
  readonly finishInstall: FinishInstall;
  readonly installMode: "open" | "link";
  readonly cookies: BindingCookies;
  readonly origins: ReturnOrigins;
  readonly platformLabel: PlatformLabel;
  readonly answerFailure: AnswerFailure;
}): WebHandler<{ platform: string }> {
  const { finishInstall, installMode, cookies, origins, platformLabel, answerFailure } = parts;

  return async (request, response) => {
    const { platform } = request.params;
    const query = readQuery(request);
    if (query === undefined || hasRepeated(query)) {
      return answerFailure(request, response, "malformed_callback", platform);
    }
    query.delete(atBaseUrl);
    const asked = new Set<string>();
    const binding = (name: string) => {
      const value = cookies.read(request, name);
      if (value !== undefined) asked.add(name);
      return value;
    };
    const outcome = await finish({
      platform,
      query,
      binding,
      mayStart: installMode === "open",
      bindings: () => cookies.all(request),
      address: response.locals.address,
      requestId: response.locals.requestId,
    });
    if (outcome.kind === "connected" || outcome.kind === "pending") asked.add(outcome.bindingName);
    if (outcome.kind !== "failed" || failureTexts[outcome.failure].ends) {
      for (const name of asked) cookies.clear(response, name);
    }
    answer(request, response, outcome);
  };

  async function finish(request: FinishRequest): Promise<FinishOutcome> {
    try {
      return await finishInstall(request);
    } catch (error) {
      return { kind: "failed", failure: refusal(error), platform: request.platform };
    }
  }

  function answer(request: Pick<WebRequest, "accepts">, response: WebResponse, outcome: FinishOutcome): void {
    switch (outcome.kind) {
      case "connected":
        connected(request, response, outcome);
        break;
      case "pending":
        // Also for who prefers JSON: the code belongs to the address the link named, and to no answer.
        redirect(response, new URL(outcome.continueAt.reveal()));
        break;
      case "continue":
        cookies.set(response, outcome.next.binding);
        redirect(response, outcome.next.redirectTo);
        break;
      case "failed":
        answerFailure(request, response, outcome.failure, outcome.platform, outcome.linkCodeId !== undefined);
        break;
    }
  }

  function connected(
    request: Pick<WebRequest, "accepts">,
    response: WebResponse,
    { installations, returnTo, fromLink, linkCodeId }: Extract<FinishOutcome, { kind: "connected" }>,
  ): void {
    const [first] = installations;
    if (first === undefined) throw new Error("an attempt was finished without an installation");
    if (prefersJson(request)) {
      response.json({
        success: true,
        installation_id: first.id,
        installations: installations.map(installationJson),
      });
      return;
    }
    const forProgram = linkCodeId !== undefined;
    const page = { installations, returnTo: backTo(returnTo, fromLink), forProgram, platformLabel };
    sendPage(response, 200, connectedPage(page));
  }

  /** Checked again: what was allowed when the attempt began need not be so any more. A link's was checked with it. */
  function backTo(returnTo: string | undefined, fromLink: boolean): URL | undefined {
    if (returnTo === undefined) return undefined;
    return fromLink ? new URL(returnTo) : parseReturnTo(returnTo, origins);
  }
}
