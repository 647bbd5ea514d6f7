import type { FinishInstall, FinishOutcome, FinishRequest } from "../../domain/connecting/browser-flow.ts";
import { parseReturnTo, type ReturnOrigins } from "../../domain/connecting/return-to.ts";
import type { Installation } from "../../domain/model/installation.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { hasRepeated, readQuery } from "../query.ts";
import { prefersJson, redirect } from "./answers.ts";
import { atBaseUrl } from "./base-url.ts";
import type { BindingCookies } from "./binding-cookie.ts";
import { failureTexts } from "./failures.ts";
import { keepOpener } from "./flows/flow-name.ts";
import { refusal } from "./refusal.ts";
import { namedInstallations, type ResultPopup } from "./results/result.ts";
import { type ShowResult, sendConnected } from "./results/show-result.ts";

/** `GET /oauth/callback/{platform}`: finishes the attempt and says how it ended. */
export function callbackRoute(parts: {
  readonly finishInstall: FinishInstall;
  readonly installMode: "open" | "link";
  readonly cookies: BindingCookies;
  readonly origins: ReturnOrigins;
  /** Sends the browser to where the result is shown. */
  readonly tell: ShowResult;
}): WebHandler<{ platform: string }> {
  const { finishInstall, installMode, cookies, origins, tell } = parts;

  return async (request, response) => {
    const { platform } = request.params;
    const query = readQuery(request);
    if (query === undefined || hasRepeated(query)) {
      return answer(request, response, { kind: "failed", failure: "malformed_callback", platform });
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
    await answer(request, response, outcome);
  };

  async function finish(request: FinishRequest): Promise<FinishOutcome> {
    try {
      return await finishInstall(request);
    } catch (error) {
      return { kind: "failed", failure: refusal(error), platform: request.platform };
    }
  }

  async function answer(request: WebRequest, response: WebResponse, outcome: FinishOutcome): Promise<void> {
    if (outcome.watched !== undefined) keepOpener(response);
    switch (outcome.kind) {
      case "connected":
        return connected(request, response, outcome);
      case "pending":
        return pending(request, response, outcome);
      case "continue":
        cookies.set(response, outcome.next.binding);
        return redirect(response, outcome.next.redirectTo);
      case "failed": {
        const { kind, failure, platform, linkCodeId } = outcome;
        const { requestId } = response.locals;
        const forProgram = linkCodeId !== undefined;
        return tell(request, response, { kind, failure, platform, requestId, forProgram, popup: popupOf(outcome) });
      }
    }
  }

  async function connected(request: WebRequest, response: WebResponse, outcome: Outcome<"connected">): Promise<void> {
    const { installations, returnTo, fromLink, linkCodeId } = outcome;
    if (prefersJson(request)) return sendConnected(response, installations, installations[0]?.id);
    await tell(request, response, {
      ...namesOf(installations),
      returnTo: backTo(returnTo, fromLink)?.href,
      requestId: response.locals.requestId,
      forProgram: linkCodeId !== undefined,
      popup: popupOf(outcome),
    });
  }

  async function pending(request: WebRequest, response: WebResponse, outcome: Outcome<"pending">): Promise<void> {
    const { installations, continueAt, completionCode } = outcome;
    const popup = popupOf(outcome);
    // Also for who prefers JSON: the code belongs to the address the link named, and to no answer.
    if (popup === undefined || prefersJson(request)) return redirect(response, new URL(continueAt.reveal()));
    await tell(request, response, {
      ...namesOf(installations),
      returnTo: continueAt.reveal(),
      requestId: response.locals.requestId,
      forProgram: false,
      popup: { ...popup, completionCode: completionCode.reveal() },
    });
  }

  function popupOf({ watched }: FinishOutcome): ResultPopup | undefined {
    return watched && { opener: backTo(watched.returnTo, watched.fromLink)?.origin };
  }

  /** Checked again: what was allowed when the attempt began need not be so any more. A link's was checked with it. */
  function backTo(returnTo: string | undefined, fromLink: boolean): URL | undefined {
    if (returnTo === undefined) return undefined;
    return fromLink ? new URL(returnTo) : parseReturnTo(returnTo, origins);
  }
}

type Outcome<Kind extends FinishOutcome["kind"]> = Extract<FinishOutcome, { kind: Kind }>;

/** What is shown of what was connected. */
function namesOf(installations: readonly Installation[]) {
  const [first] = installations;
  if (first === undefined) throw new Error("an attempt was finished without an installation");
  const installationIds = installations.slice(0, namedInstallations).map(({ id }) => id);
  const more = installations.length - installationIds.length;
  return { kind: "connected" as const, platform: first.platform, installationIds, more };
}
