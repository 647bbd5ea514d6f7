import type { Authenticate, Caller } from "../../domain/access/caller.ts";
import { accessNow } from "../../domain/connecting/link-policy.ts";
import type { ListConcerns } from "../../domain/health/list-concerns.ts";
import { ServiceError } from "../../errors.ts";
import type { JsonCallContext, JsonStream } from "../../rpc/json/json-calls.ts";
import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import type { WebHandler, WebRequest, WebResponse } from "../handler.ts";
import { readQuery } from "../query.ts";
import type { ReadRawBody } from "../raw-bodies.ts";
import { readForm } from "../read-form.ts";
import type { Answers } from "./answers.ts";
import type { FormTokens } from "./form-tokens.ts";
import type { Present } from "./frame.ts";
import { byItselfHeader } from "./live/live-script.ts";
import { placeNow } from "./live/place-now.ts";
import { isLedHere, isOwnRequest } from "./own-request.ts";
import { refusedPage } from "./refused.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { ConsoleCalls, Shown, ShowPage, TakeForm, Visit } from "./visit.ts";

/** What brings requests to pages and forms: nobody gets past it who has not signed in, or whose form is not from here. */
export interface Visits {
  page(show: ShowPage): WebHandler;
  /** One that follows what changes while it is looked at. */
  livePage(show: ShowPage): WebHandler;
  form(take: TakeForm): WebHandler;
  /**
   * A form of whoever is not known yet: its fields, once it is sure to be from a page of ours; undefined: answered, by
   * `stale` where it was shown to another session.
   */
  strangersForm(
    request: WebRequest,
    response: WebResponse,
    stale: (fields: URLSearchParams) => void,
  ): Promise<URLSearchParams | undefined>;
}

export interface VisitsParts extends Pick<World, "now"> {
  readonly calls: ConsoleCalls;
  readonly watch: JsonStream;
  readonly listConcerns: ListConcerns;
  readonly authenticate: Authenticate;
  /** Whether callers are told apart: else everybody on this host is the same, and nobody signs in. */
  readonly signsIn: boolean;
  readonly sessions: Sessions;
  readonly formTokens: FormTokens;
  readonly readBody: ReadRawBody;
  readonly answers: Answers;
}

/** A form of ours has a few short fields. */
const formBytes = 16 * 1024;

type Known = { readonly caller: Caller; readonly session: Session };

export function createVisits(parts: VisitsParts): Visits {
  const { calls, watch, listConcerns, authenticate, signsIn, sessions, formTokens, readBody, answers, now } = parts;

  /** Undefined: answered. */
  async function enter(request: WebRequest, response: WebResponse): Promise<Known | undefined> {
    const session = sessions.read(request);
    if (session === undefined && request.method !== "POST" && isLedHere(request)) {
      // The browser has kept the cookie back, and brings it to what this page itself asks for.
      answers.comeAgain(request, response);
      return undefined;
    }
    if (!signsIn) {
      const caller = await authenticate({ authorization: undefined, certificateNames: [] });
      return { caller, session: session ?? sessions.begin(request, response) };
    }
    if (session?.key === undefined) {
      askToSignIn(request, response);
      return undefined;
    }
    try {
      const caller = await authenticate({ authorization: bearer(session.key), certificateNames: [] });
      return { caller, session };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      askToSignIn(request, response, "signed_out");
      return undefined;
    }
  }

  /** To a page that asks by itself nobody reads the form: the session stays as it is for the one that is loaded then. */
  function askToSignIn(request: WebRequest, response: WebResponse, problem?: "signed_out"): void {
    if (request.headers[byItselfHeader] !== undefined) return void response.status(401).end();
    answers.signIn(request, response, { to: request.originalUrl, ...(problem && { problem }) });
  }

  function visit(request: WebRequest, response: WebResponse, { caller, session }: Known): Visit {
    return {
      caller,
      path: request.params,
      query: readQuery(request) ?? new URLSearchParams(),
      host: request.headers.host,
      formToken: formTokens.issue(session),
      now: now(),
      async concerns(filter) {
        const access = accessNow(caller, "ListInstallations");
        return access === undefined ? [] : listConcerns(filter, { access });
      },
      ask: async (name, message) => calls[name](message, callContext(response, session)),
    };
  }

  function present({ caller, formToken }: Visit, request: WebRequest): Present {
    return { caller, formToken, signsOut: signsIn, path: request.path };
  }

  async function run(request: WebRequest, response: WebResponse, show: ShowPage, isLive = false): Promise<void> {
    const known = await enter(request, response);
    if (known === undefined) return;
    const byItself = request.headers[byItselfHeader];
    // A page that looks again by itself says nothing of its person.
    if (byItself === undefined) sessions.keepUp(request, response, known.session);
    const current = visit(request, response, known);
    // Before anything is read: what changes meanwhile is told.
    const from =
      isLive && byItself !== "followed"
        ? await placeNow(watch, current.caller, callContext(response, known.session))
        : undefined;
    const shown = await shownBy(show, current);
    // Of a refusal nothing changes while it is looked at.
    const isRefused = shown.kind === "page" && (shown.status ?? 200) >= 400;
    answers.shown(response, shown, { ...present(current, request), from: isRefused ? undefined : from });
  }

  /** What is asked besides the RPCs fails as they do. */
  async function shownBy(show: ShowPage, current: Visit): Promise<Shown> {
    try {
      return await show(current);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.reason !== "SERVICE_UNAVAILABLE") throw error;
      const { reason, message } = error;
      return refusedPage({ status: 503, body: { error: { reason, message } }, retryAfterSeconds: undefined });
    }
  }

  /** Undefined: answered. */
  async function fieldsOf(request: WebRequest, response: WebResponse): Promise<URLSearchParams | undefined> {
    const form = isOwnRequest(request) ? await readForm(request, readBody, formBytes) : { kind: "foreign" as const };
    if (form.kind === "fields") return form.fields;
    // Of what is not read to its end the rest is not waited for.
    if (form.kind === "cut_off") response.destroy();
    else answers.refused(response.setHeader("Connection", "close"), `form_${form.kind}`);
    return undefined;
  }

  return {
    page: (show) => (request, response) => run(request, response, show),

    livePage: (show) => (request, response) => run(request, response, show, true),

    form: (take) => async (request, response) => {
      const fields = await fieldsOf(request, response);
      if (fields === undefined) return;
      const session = sessions.read(request);
      if (session === undefined || !formTokens.holds(session, fields.get("token"))) {
        // Whoever has been signed out learns that; all others that they have to send it again.
        if (!signsIn || session?.key !== undefined) return answers.refused(response, "form_stale");
        return answers.signIn(request, response, { to: request.originalUrl, problem: "signed_out" });
      }
      await run(request, response, (current) => take(current, fields));
    },

    async strangersForm(request, response, stale) {
      const fields = await fieldsOf(request, response);
      if (fields === undefined) return undefined;
      const session = sessions.read(request);
      if (session !== undefined && formTokens.holds(session, fields.get("token"))) return fields;
      stale(fields);
      return undefined;
    },
  };
}

/** How calls are made for whoever has this session. */
export function callContext(response: WebResponse, session: Session | undefined): JsonCallContext {
  const { address, requestId, certificateNames = [] } = response.locals;
  const authorization = session?.key === undefined ? undefined : bearer(session.key);
  return { address, requestId, certificateNames, authorization, traceparent: undefined };
}

function bearer(key: Secret): string {
  return `Bearer ${key.reveal()}`;
}
