import type { PollLink } from "../../../domain/links/poll-link.ts";
import type { WebHandler, WebResponse } from "../../handler.ts";
import { bearerOf } from "./bearer.ts";
import { answerError, answerSlowDown, answerUnknown, refusing } from "./link-answers.ts";
import { payloadJson } from "./payload-json.ts";

/** `GET /v1/poll/{link_code}`: what has become of a link, told to who started it. */
export function pollRoute(pollLink: PollLink): WebHandler<{ code: string }> {
  return refusing(async (request, response) => {
    const pollSecret = bearerOf(request.headers.authorization);
    if (pollSecret === undefined) return answerUnknown(response);
    const { address, requestId } = response.locals;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const asked = { code: request.params.code, pollSecret };
    answer(response, await pollLink(asked, { address, requestId }, gone.signal));
  });
}

function answer(response: WebResponse, outcome: Awaited<ReturnType<PollLink>>): void {
  switch (outcome.kind) {
    case "pending":
      response.status(202).json({ status: "pending" });
      break;
    case "slow_down":
      answerSlowDown(response, outcome.retryAfterMs);
      break;
    case "connected":
      response.json(payloadJson(outcome.payload));
      break;
    case "denied":
      answerError(response, 403, { error: "access_denied" });
      break;
    case "gone":
      answerError(response, 410, gone[outcome.why]);
      break;
    case "unknown":
      answerUnknown(response);
      break;
  }
}

const gone = {
  expired: { error: "expired" },
  delivered: { error: "already_delivered", message: "the token was handed out to an earlier poll" },
} as const;
