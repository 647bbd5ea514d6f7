import type { StartedAttempt, StartFromLink, StartInstall } from "../../domain/connecting/browser-flow.ts";
import { parseReturnTo, type ReturnOrigins } from "../../domain/connecting/return-to.ts";
import type { FlowFailure, TellFlow } from "../../domain/connecting/tell-flow.ts";
import type { BeginFlow } from "../../domain/flows/begin-flow.ts";
import { Secret } from "../../secret.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { hasRepeated, readQuery } from "../query.ts";
import { type AnswerFailure, redirect, sendPage } from "./answers.ts";
import { onBaseUrl } from "./base-url.ts";
import type { BindingCookies } from "./binding-cookie.ts";
import { flowHash, flowOf } from "./flows/flow-name.ts";
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
  readonly beginFlow: BeginFlow;
  readonly tellFlow: TellFlow;
  readonly installMode: "open" | "link";
  readonly cookies: BindingCookies;
  readonly origins: ReturnOrigins;
  readonly platformLabel: PlatformLabel;
  readonly answerFailure: AnswerFailure;
  readonly baseUrl: URL;
  readonly random: (bytes: number) => Buffer;
}): WebHandler<{ platform: string }> {
  const { startInstall, startFromLink, beginFlow, tellFlow, installMode, cookies, origins, baseUrl, random } = parts;
  const { platformLabel, answerFailure } = parts;

  return async (request, response) => {
    const { platform } = request.params;
    const query = readQuery(request);
    if (query === undefined || hasRepeated(query)) return answerFailure(request, response, "invalid_request", platform);
    const link = query.get("link") || undefined;
    const secret = link === undefined ? undefined : new Secret(link);
    const name = flowOf(query);
    const flow = name === undefined ? undefined : flowHash(name);
    if (name !== undefined && flow === undefined) return answerFailure(request, response, "invalid_request", platform);
    const visit = { request, response, platform, flow };
    try {
      if (flow !== undefined && !(await beginFlow(flow, { platform, linkHash: secret?.fingerprint() }))) {
        return answerFailure(request, response, "flow_already_begun", platform);
      }
      if (secret !== undefined) await fromLink(visit, secret, query);
      else await fromAnybody(visit, query);
    } catch (error) {
      await refuse(visit, refusal(error));
    }
  };

  async function fromAnybody(visit: Visit, query: URLSearchParams): Promise<void> {
    const { response, platform, flow } = visit;
    // Also an empty link, in open mode too: without it the owner it stands for would be lost.
    if (installMode === "link" || query.has("link")) return refuse(visit, "link_required");
    const owner = query.get("owner") || undefined;
    if (owner !== undefined && !isOwner(owner)) return refuse(visit, "invalid_request");
    const returnTo = query.get("return_to") || undefined;
    const back = returnTo === undefined ? undefined : parseReturnTo(returnTo, origins);
    if (returnTo !== undefined && back === undefined) return refuse(visit, "return_to_not_allowed");
    send(response, await startInstall({ platform, owner, returnTo: back?.href, flow }));
  }

  /** Whatever else stands in the query says nothing: the link says it all. */
  async function fromLink(visit: Visit, link: Secret, query: URLSearchParams): Promise<void> {
    const { request, response, platform, flow } = visit;
    const name = `page-${link.fingerprint().slice(0, 16)}`;
    // Only the page itself knows what its cookie holds, and a browser that looks ahead has pressed nothing.
    const pressed = query.get(goOn);
    const confirmed = pressed !== null && pressed === cookies.read(request, name) && !isPrefetch(request);
    const outcome = await startFromLink({ platform, link, confirmed, flow });
    switch (outcome.kind) {
      case "started":
        if (confirmed) cookies.clear(response, name);
        return send(response, outcome.attempt);
      case "unconfirmed":
        await tellFlow(flow, { state: "opened", returnTo: outcome.returnTo });
        return ask(visit, { link, name, flow: flowOf(query), ...outcome });
      case "refused":
        return refuse(visit, outcome.failure, outcome.returnTo);
    }
  }

  async function refuse(
    { request, response, platform, flow }: Visit,
    failure: FlowFailure,
    returnTo?: string,
  ): Promise<void> {
    await tellFlow(flow, { state: "refused", reason: failure, returnTo });
    answerFailure(request, response, failure, platform);
  }

  function ask(
    { response, platform }: Visit,
    asked: {
      readonly link: Secret;
      readonly name: string;
      /** As the address has it. */
      readonly flow: string | undefined;
      readonly caller: string;
      readonly owner: string | undefined;
    },
  ): void {
    const { link, name, flow, caller, owner } = asked;
    const value = new Secret(random(32).toString("base64url"));
    cookies.set(response, { name, value, maxAgeSeconds: pageSeconds });
    const next = onBaseUrl(baseUrl, `/oauth/install/${platform}`);
    next.searchParams.set("link", link.reveal());
    next.searchParams.set(goOn, value.reveal());
    if (flow !== undefined) {
      next.searchParams.set("popup", "1");
      next.searchParams.set("flow", flow);
    }
    sendPage(response, 200, confirmPage({ platform, caller, owner, goOn: next, platformLabel }));
  }

  function send(response: WebResponse, { binding, redirectTo }: StartedAttempt): void {
    cookies.set(response, binding);
    redirect(response, redirectTo);
  }
}

interface Visit {
  readonly request: WebRequest;
  readonly response: WebResponse;
  readonly platform: string;
  /** The flow that the popup was opened for, hashed. */
  readonly flow: string | undefined;
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
