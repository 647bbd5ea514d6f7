import { type exitCodes, Failure } from "../failure.ts";
import { type Answer, unreachable } from "./call-service.ts";
import { isObject } from "./fields.ts";

/** Refusals after which only signing in again helps. */
const notConnected = new Set([
  "INSTALLATION_NOT_FOUND",
  "INSTALLATION_REVOKED",
  "INSTALLATION_TAKEN",
  "REAUTHORIZATION_REQUIRED",
  "unknown",
  "unauthorized",
]);

const advice: Readonly<Record<string, string>> = {
  CALLER_UNAUTHENTICATED: "the service wants to know who asks: set OAUTH_TOKEN_SERVICE_API_KEY to a key of yours",
  CALLER_NOT_ALLOWED: "the operator of the service has not allowed this",
  CALLER_RATE_LIMITED: "the service was asked too often: try again later",
};

/** The reason a service gives, in either of its forms: `{"error":"expired"}` and `{"error":{"reason":…}}`. */
export function reasonOf({ body }: Answer): string | undefined {
  if (!isObject(body)) return undefined;
  const { error } = body;
  if (typeof error === "string") return error;
  if (!isObject(error)) return undefined;
  const { reason } = error;
  return typeof reason === "string" ? reason : undefined;
}

/** A refusal as what the command ends with. `asked` says what for, such as "a token for jira". */
export function refusalOf(answer: Answer, service: string, asked: string): Failure {
  const { status } = answer;
  const reason = reasonOf(answer);
  if (reason === undefined && [502, 503, 504].includes(status))
    return unreachable(`${service} is not ready (${status})`);
  const message = messageOf(answer) ?? (reason === undefined ? `status ${status}` : reason);
  const said = advice[reason ?? ""] ?? message;
  return new Failure(exitOf(reason), reason ?? `HTTP_${status}`, `there is no ${asked} from ${service}: ${said}`);
}

function exitOf(reason: string | undefined): keyof typeof exitCodes {
  if (reason === "access_denied") return "denied";
  if (reason === "expired") return "expired";
  return reason !== undefined && notConnected.has(reason) ? "notConnected" : "failed";
}

function messageOf({ body }: Answer): string | undefined {
  if (!isObject(body)) return undefined;
  const { error } = body;
  const message = isObject(error) ? error.message : body.message;
  return typeof message === "string" && message !== "" ? message : undefined;
}
