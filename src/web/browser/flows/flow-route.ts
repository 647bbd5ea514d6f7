import { networkOf } from "../../../domain/access/network.ts";
import type { FlowStanding } from "../../../domain/flows/flow-standing.ts";
import type { FlowLook, FlowWatch } from "../../../domain/flows/watch-flow.ts";
import { ServiceError } from "../../../errors.ts";
import type { WebHandler, WebRequest, WebResponse } from "../../handler.ts";
import type { PlatformLabel } from "../result-pages.ts";
import { flowJson, isEnd } from "./flow-json.ts";
import { flowHash } from "./flow-name.ts";
import { createPlaces, type PlaceLimits } from "./places.ts";
import { letRead, readerOrigin } from "./reader-origin.ts";

/** A request for a flow that has not begun waits for its popup, which may still be on its way. */
const patienceMs = 15_000;
/** After so long without a change, a sign that the stream goes on. */
const silenceMs = 15_000;
/** After so long the browser asks again, where a stream ended before its flow. */
const retryMs = 1_000;
/** Streams; and, apart from them, requests that wait for a flow to begin: whoever likes can ask for one that never does. */
const flowPlaces: PlaceLimits = { ofFlow: 4, ofNetwork: 100, inAll: 1_000 };

export interface FlowRouteParts {
  readonly flowWatch: FlowWatch;
  readonly baseUrl: URL;
  readonly platformLabel: PlatformLabel;
  /** Aborted when this process drains: who watches goes on at another. */
  readonly leaving: AbortSignal;
}

type FlowError = "origin_not_allowed" | "flow_unknown" | "too_many_requests" | "service_unavailable";

/** `GET /oauth/flows/{flow}`: how a flow stands, to pages of the origin that its connection leads back to. */
export function flowRoute(parts: FlowRouteParts): WebHandler<{ flow: string }> {
  const { flowWatch, baseUrl, platformLabel, leaving } = parts;
  const waiting = createPlaces(flowPlaces);
  const streams = createPlaces(flowPlaces);

  return async (request, response) => {
    const asked = readAsked(request, response, baseUrl);
    if (asked === undefined) return;
    const { origin } = asked;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      await answer(request, response, asked, AbortSignal.any([gone.signal, leaving]));
    } catch (error) {
      const passing = leaving.aborted || (error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE");
      if (gone.signal.aborted) return;
      if (!passing) throw error;
      if (response.headersSent) response.end();
      else {
        letRead(response, origin);
        answerError(response, 503, "service_unavailable");
      }
    }
  };

  async function answer(
    request: WebRequest<{ flow: string }>,
    response: WebResponse,
    { hash, origin }: Asked,
    signal: AbortSignal,
  ): Promise<void> {
    const network = networkOf(response.locals.address ?? "");
    const lookFor = (milliseconds: number) => flowWatch.look(hash, origin, milliseconds, signal);
    let look: FlowLook | "no_place" = await lookFor(0);
    if (look === "unknown") look = await inPlace(waiting.take(hash, network), () => lookFor(patienceMs));
    if (look === "other_origin") return answerError(response, 403, "origin_not_allowed");
    letRead(response, origin);
    if (look === "unknown") return answerError(response, 404, "flow_unknown");
    if (look === "no_place") return answerError(response, 429, "too_many_requests");
    if (request.accepts(["json", "text/event-stream"]) === "json") {
      response.json(flowJson(look, platformLabel));
      return;
    }
    const first = look;
    const streamed = await inPlace(streams.take(hash, network), () => stream(response, hash, first, signal));
    if (streamed === "no_place") answerError(response, 429, "too_many_requests");
  }

  async function stream(response: WebResponse, hash: string, first: FlowStanding, signal: AbortSignal): Promise<void> {
    // What buffers or packs it on its way would keep its events back.
    response.setHeader("Cache-Control", "no-store, no-transform");
    response.setHeader("X-Accel-Buffering", "no");
    response.status(200).setHeader("Content-Type", "text/event-stream; charset=utf-8");
    response.write(`retry: ${retryMs}\n\n`);
    const say = (standing: FlowStanding) =>
      response.write(`data: ${JSON.stringify(flowJson(standing, platformLabel))}\n\n`);
    let standing = first;
    say(standing);
    while (!isEnd(standing.status)) {
      const next = await flowWatch.next(hash, standing, silenceMs, signal);
      if (next.status === standing.status) response.write(":\n\n");
      else say(next);
      standing = next;
    }
    response.end();
  }
}

/** `POST /oauth/flows/{flow}/closed`: the page that opened a popup says that it seems closed. */
export function flowClosedRoute({ flowWatch, baseUrl }: FlowRouteParts): WebHandler<{ flow: string }> {
  return async (request, response) => {
    const asked = readAsked(request, response, baseUrl);
    if (asked === undefined) return;
    try {
      const closed = await flowWatch.close(asked.hash, asked.origin);
      if (closed === "other_origin") return answerError(response, 403, "origin_not_allowed");
      letRead(response, asked.origin);
      if (closed === "unknown") return answerError(response, 404, "flow_unknown");
      response.status(204).end();
    } catch (error) {
      if (!(error instanceof ServiceError) || error.reason !== "SERVICE_UNAVAILABLE") throw error;
      letRead(response, asked.origin);
      answerError(response, 503, "service_unavailable");
    }
  };
}

/** Does it where there is a place, and gives that back. */
async function inPlace<T>(leave: (() => void) | undefined, work: () => Promise<T>): Promise<T | "no_place"> {
  if (leave === undefined) return "no_place";
  try {
    return await work();
  } finally {
    leave();
  }
}

interface Asked {
  readonly hash: string;
  readonly origin: string;
}

/** What nobody can be answered is answered here. */
function readAsked(request: WebRequest<{ flow: string }>, response: WebResponse, baseUrl: URL): Asked | undefined {
  response.setHeader("Vary", "Origin, Accept");
  const origin = readerOrigin(request, baseUrl);
  const hash = flowHash(request.params.flow);
  if (origin === undefined) answerError(response, 403, "origin_not_allowed");
  else if (hash === undefined) {
    letRead(response, origin);
    answerError(response, 404, "flow_unknown");
  } else return { hash, origin };
  return undefined;
}

function answerError(response: WebResponse, status: number, error: FlowError): void {
  response.locals.failure = error;
  if (status === 429 || status === 503) response.setHeader("Retry-After", 1);
  response.status(status).json({ error });
}
