import { pollSeconds } from "../../../domain/links/link-code.ts";
import type { JsonAnswer, JsonCall } from "../../../rpc/json/json-calls.ts";
import type { WebHandler, WebRequest, WebResponse } from "../../handler.ts";
import type { ReadRawBody } from "../../raw-bodies.ts";
import { answerError, answerInvalid, answerRefusal, type Refusal } from "./link-answers.ts";

const maxBytes = 16 * 1024;

/**
 * `POST /v1/link-code`: begins a sign-in for a program without a browser. It is StartLink, with its rules, rights and
 * rates; where callers are not told apart and anybody can come here, nobody can name an owner.
 */
export function startLinkRoute(parts: {
  readonly startLink: JsonCall;
  /** Whether who asks may say for whom. */
  readonly ownersAreBelieved: boolean;
  readonly readBody: ReadRawBody;
  readonly now: () => Date;
}): WebHandler {
  const { startLink, ownersAreBelieved, readBody, now } = parts;

  return async (request, response) => {
    const asked = await readJson(request, response, readBody);
    if (asked === undefined) return;
    if (!ownersAreBelieved && asked.owner !== undefined && asked.owner !== "") {
      return answerInvalid(response, 400, "owner: must be left out: anybody can ask here, nobody's word counts for it");
    }
    const { address, requestId } = response.locals;
    const { authorization } = request.headers;
    const context = { address, requestId, authorization, certificateNames: [], traceparent: undefined };
    answer(response, await startLink(asked, context));
  };

  function answer(response: WebResponse, { status, body, retryAfterSeconds }: JsonAnswer): void {
    if (status !== 200) {
      const retryAfterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000;
      answerRefusal(response, { status, retryAfterMs }, body.error as unknown as Refusal);
      return;
    }
    const { link_code, poll_secret, verification_url, verification_url_complete, expire_time } = body;
    const lifeMs = Date.parse(String(expire_time)) - now().getTime();
    const expires_in = Math.max(0, Math.ceil(lifeMs / 1000));
    response.json({
      link_code,
      poll_secret,
      verification_url,
      verification_url_complete,
      expires_in,
      interval: pollSeconds,
    });
  }
}

/** What is no JSON object is answered here. */
async function readJson(
  request: WebRequest,
  response: WebResponse,
  readBody: ReadRawBody,
): Promise<Record<string, string> | undefined> {
  const read = await readBody(request, maxBytes);
  if (read.kind === "cut_off") {
    response.destroy();
    return undefined;
  }
  if (read.kind !== "body") {
    response.setHeader("Connection", "close");
    if (read.kind === "too_large") answerInvalid(response, 413, "the body is too large");
    else answerError(response, 503, { error: "SERVICE_UNAVAILABLE", message: "too much is being read: ask again" });
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(read.body.toString("utf8"));
    if (isRequest(value)) return value;
  } catch {
    // Said below.
  } finally {
    read.release();
  }
  const message = `the body must be JSON such as {"platform":"jira"}: texts, of the fields ${[...fields].join(", ")}`;
  answerInvalid(response, 400, message);
  return undefined;
}

const fields: ReadonlySet<string> = new Set(["platform", "owner", "client_name"]);

/** What else there is may be anything, a secret too, and is not sent back as an error of its reader would. */
function isRequest(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, one]) => fields.has(name) && typeof one === "string");
}
