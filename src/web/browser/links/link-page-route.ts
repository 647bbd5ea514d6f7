import type { ApproveLink, DenyLink, LookAtLink } from "../../../domain/links/answer-link.ts";
import { createClientAddress } from "../../client-address.ts";
import type { WebHandler, WebRequest, WebResponse } from "../../handler.ts";
import { hasRepeated, readQuery } from "../../query.ts";
import type { ReadRawBody } from "../../raw-bodies.ts";
import { readForm } from "../../read-form.ts";
import { allowOwnForms } from "../../security-headers.ts";
import { type AnswerFailure, sendPage } from "../answers.ts";
import type { BindingCookies } from "../binding-cookie.ts";
import { refusal } from "../refusal.ts";
import type { PlatformLabel } from "../result-pages.ts";
import { type CodeProblem, notThisBrowser, problemOf } from "./code-problems.ts";
import { askPage, codePage, deniedPage, onwardPage, type PageForm } from "./link-pages.ts";
import type { PageTokens } from "./page-token.ts";

const maxBytes = 4 * 1024;

/** What a person with a code can do. */
export interface LinkAnswers {
  readonly look: LookAtLink;
  readonly approve: ApproveLink;
  readonly deny: DenyLink;
}

export interface LinkPageParts {
  readonly links: LinkAnswers;
  readonly pageTokens: PageTokens;
  readonly cookies: BindingCookies;
  readonly readBody: ReadRawBody;
  readonly platformLabel: PlatformLabel;
  readonly answerFailure: AnswerFailure;
  /** Where the forms go: the path of these routes, as browsers see it. */
  readonly action: string;
  readonly now: () => Date;
}

/** `GET /link`: shows the form, filled in where the address has the code. Looks nothing up and changes nothing. */
export function linkPageRoute({ pageTokens, action, answerFailure }: LinkPageParts): WebHandler {
  return (request, response) => {
    const query = readQuery(request);
    if (query === undefined || hasRepeated(query)) return answerFailure(request, response, "invalid_request");
    const form = { action, token: pageTokens.issue(request, response), ...typedIn(query) };
    sendForm(response, 200, codePage(form));
  };
}

/** `POST /link`: what a person sent from one of our forms: a code to look up, then "yes" or "no". */
export function linkFormRoute(parts: LinkPageParts): WebHandler {
  const { links, pageTokens, cookies, readBody, platformLabel, answerFailure } = parts;
  const { action, now } = parts;

  return async (request, response) => {
    const fields = await fieldsOf(request, response);
    if (fields === undefined) return;
    const form = { action, token: pageTokens.issue(request, response), ...typedIn(fields) };
    if (!pageTokens.holds(request, fields.get("token"))) return refuse(response, form, notThisBrowser);
    try {
      await decide(request, response, form, fields.get("decision"));
    } catch (error) {
      answerFailure(request, response, refusal(error), undefined, { forProgram: true });
    }
  };

  async function decide(
    request: WebRequest,
    response: WebResponse,
    form: PageForm,
    decision: string | null,
  ): Promise<void> {
    const { address, requestId } = response.locals;
    const { typed, proof } = form;
    const by = { address, requestId, proof };
    switch (decision) {
      case null: {
        const looked = await links.look(typed, by);
        if (looked.kind === "refused") return refuse(response, form, problemOf(looked));
        const { link } = looked;
        const label = platformLabel(link.platform) ?? link.platform;
        return sendForm(response, 200, askPage(form, { link, label, here: whereabouts(request, address), now: now() }));
      }
      case "approve": {
        const approved = await links.approve(typed, by);
        if (approved.kind === "refused") return refuse(response, form, problemOf(approved));
        const { binding, redirectTo } = approved.attempt;
        cookies.set(response, binding);
        response.setHeader("Refresh", `0;url=${redirectTo.href}`);
        return sendPage(response, 200, onwardPage(redirectTo));
      }
      case "deny": {
        const denied = await links.deny(typed, by);
        if (denied.kind === "refused") return refuse(response, form, problemOf(denied));
        return sendPage(response, 200, deniedPage());
      }
      default:
        return answerFailure(request, response, "invalid_request");
    }
  }

  function refuse(response: WebResponse, form: PageForm, problem: CodeProblem): void {
    const { status, failure, retryAfterMs } = problem;
    response.locals.failure = failure;
    if (retryAfterMs !== undefined) response.setHeader("Retry-After", Math.max(1, Math.ceil(retryAfterMs / 1000)));
    sendForm(response, status, codePage(form, problem));
  }

  /** What is no form is answered here. */
  async function fieldsOf(request: WebRequest, response: WebResponse): Promise<URLSearchParams | undefined> {
    const form = await readForm(request, readBody, maxBytes);
    switch (form.kind) {
      case "fields":
        return form.fields;
      case "cut_off":
        response.destroy();
        return undefined;
      case "unreadable":
        answerFailure(request, response, "invalid_request");
        return undefined;
      case "too_large":
      case "no_room":
        response.setHeader("Connection", "close");
        answerFailure(request, response, form.kind === "too_large" ? "body_too_large" : "service_unavailable");
        return undefined;
    }
  }
}

const connectionAddress = createClientAddress([]);

/** Where a person is; undefined behind a proxy that is not believed: from its address everybody comes, whoever they are. */
function whereabouts(request: WebRequest, address: string | undefined): string | undefined {
  const behindAnother = request.headers["x-forwarded-for"] !== undefined && address === connectionAddress(request);
  return behindAnother ? undefined : address;
}

/** What an address or a form says of a code. */
function typedIn(fields: URLSearchParams): Pick<PageForm, "typed" | "proof"> {
  return { typed: fields.get("code") ?? "", proof: fields.get("proof") ?? undefined };
}

/** A page with a form of ours in it. */
function sendForm(response: WebResponse, status: number, page: string): void {
  allowOwnForms(response);
  sendPage(response, status, page);
}
