import { once } from "node:events";
import type { JsonAnswer, JsonStream } from "../../../rpc/json/json-calls.ts";
import type { World } from "../../../world.ts";
import type { WebHandler, WebResponse } from "../../handler.ts";
import { readQuery } from "../../query.ts";
import { type Json, messageIn, textIn } from "../json-fields.ts";
import { isOwnRequest } from "../own-request.ts";
import { refusalIn } from "../refused.ts";
import { endOf, type Sessions } from "../sessions.ts";
import { callContext } from "../visits.ts";

export interface ChangesParts extends Pick<World, "now"> {
  readonly watch: JsonStream;
  readonly sessions: Sessions;
  readonly signsIn: boolean;
}

/** What a page is told. `reload`: it can go on from nowhere; `signed-out`: its caller or its session counts no more. */
type Told = "change" | "synced" | "reload" | "signed-out";

/**
 * `GET /console/changes?from=`: what changes of what the caller may see, as an event stream (HTML section 9.2). Names ids
 * alone: the page asks for itself again. Refusals are plain statuses, since a browser would follow a redirect for ever.
 */
export function changesRoute({ watch, sessions, signsIn, now }: ChangesParts): WebHandler {
  return async (request, response) => {
    const session = sessions.read(request);
    const from = request.get("last-event-id") ?? readQuery(request)?.get("from") ?? "";
    if (!isOwnRequest(request)) return void response.status(403).end();
    if (signsIn && session?.key === undefined) return void response.status(401).end();
    // Without a place it would be told of everything there is.
    if (from === "") return void response.status(400).end();

    const leaving = new AbortController();
    response.once("close", () => leaving.abort());
    const reader = { signal: leaving.signal, cut: () => response.destroy() };
    // Something is said every 30 s at least.
    const isOver = () => signsIn && session !== undefined && now().getTime() >= endOf(session);
    const changes = watch({ resume_token: from }, callContext(response, session), reader);
    const why = await tell(response, changes, { isOver, signal: leaving.signal });
    if (response.writable && (isOver() || isLocked(why))) response.write(eventOf("signed-out", ""));
    response.end();
  };
}

async function tell(
  response: WebResponse,
  changes: ReturnType<JsonStream>,
  { isOver, signal }: { readonly isOver: () => boolean; readonly signal: AbortSignal },
): Promise<JsonAnswer | undefined> {
  for (let step = await changes.next(); ; step = await changes.next()) {
    if (step.done) {
      if (!response.headersSent && step.value !== undefined) response.status(step.value.status);
      return step.value;
    }
    if (!response.headersSent) begin(response);
    if (isOver()) {
      await changes.return(undefined);
      return undefined;
    }
    const told = toldOf(step.value);
    const isTaken = response.write(eventOf(told, textIn(step.value, "resume_token"), idOf(step.value)));
    // Who takes nothing is cut by the stream's own bound; who has left is waited for no longer.
    if (!isTaken) await once(response, "drain", { signal }).catch(() => undefined);
    if (told === "reload") {
      await changes.return(undefined);
      return undefined;
    }
  }
}

function begin(response: WebResponse): void {
  response.setHeader("Content-Type", "text/event-stream");
  // nginx would keep events until it has many.
  response.setHeader("X-Accel-Buffering", "no");
  response.write("retry: 1000\n\n");
}

function toldOf(message: Json): Told {
  switch (textIn(message, "change")) {
    case "CHANGE_PRESENT":
      return "reload";
    case "CHANGE_SYNCED":
      return "synced";
    default:
      return "change";
  }
}

function idOf(message: Json): string {
  return textIn(messageIn(message, "installation") ?? {}, "id");
}

/** Ids and tokens are of one line. */
function eventOf(told: Told, place: string, about = ""): string {
  return `event: ${told}\n${place === "" ? "" : `id: ${place}\n`}data: ${about}\n\n`;
}

/** Whether the stream ended since its caller has lost its key or its right. */
function isLocked(why: JsonAnswer | undefined): boolean {
  return why !== undefined && ["CALLER_UNAUTHENTICATED", "CALLER_NOT_ALLOWED"].includes(refusalIn(why).reason);
}
