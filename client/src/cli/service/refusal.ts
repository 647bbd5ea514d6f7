import { type exitCodes, Failure } from "../failure.ts";
import { type Answer, unreachable } from "./call-service.ts";
import { isObject } from "./fields.ts";

/** Refusals after which only signing in again helps. */
const notConnected = new Set([
  "INSTALLATION_NOT_FOUND",
  "INSTALLATION_REVOKED",
  "INSTALLATION_TAKEN",
  "REAUTHORIZATION_REQUIRED",
]);

const advice: Readonly<Record<string, string>> = {
  CALLER_UNAUTHENTICATED: "the service wants to know who asks: set OAUTH_TOKEN_SERVICE_API_KEY to a key of yours",
  CALLER_NOT_ALLOWED: "the operator of the service has not allowed this",
};

/** The reason that a service gives, as `INSTALLATION_REVOKED`; some of a link's are in lower case. */
export function reasonOf({ body }: Answer): string | undefined {
  if (!isObject(body)) return undefined;
  const { error } = body;
  const reason = isObject(error) ? error.reason : error;
  return typeof reason === "string" && reason !== "" ? reason.toUpperCase() : undefined;
}

/** A refusal as what the command ends with. `asked` says what for, such as "a token for jira". */
export function refusalOf(answer: Answer, service: string, asked: string): Failure {
  const { status } = answer;
  const reason = reasonOf(answer);
  const isUnready = reason === undefined ? [502, 503, 504].includes(status) : reason === "SERVICE_UNAVAILABLE";
  if (isUnready) return unreachable(`${service} is not ready (${status})`);
  const message = messageOf(answer) ?? (reason === undefined ? `status ${status}` : reason);
  const said = status === 429 ? tooOften(answer.retryAfterMs) : (advice[reason ?? ""] ?? message);
  return new Failure(exitOf(reason), reason ?? `HTTP_${status}`, `there is no ${asked} from ${service}: ${said}`);
}

function tooOften(retryAfterMs: number | undefined): string {
  const when = retryAfterMs === undefined ? "later" : `in ${Math.ceil(retryAfterMs / 1000)} s`;
  return `it was asked too often: try again ${when}`;
}

function exitOf(reason: string | undefined): keyof typeof exitCodes {
  if (reason === "ACCESS_DENIED") return "denied";
  if (reason === "EXPIRED") return "expired";
  return reason !== undefined && notConnected.has(reason) ? "notConnected" : "failed";
}

function messageOf({ body }: Answer): string | undefined {
  if (!isObject(body)) return undefined;
  const { message } = isObject(body.error) ? body.error : body;
  return typeof message === "string" && message !== "" ? message : undefined;
}
