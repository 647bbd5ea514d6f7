import type { Unavailable } from "../domain/model/platform.ts";
import { createKeptJson, type KeptFields } from "./kept-json.ts";

/** One request to a platform: built by pure functions, sent here. */
export interface PlatformRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** All that is wanted of a successful answer, which may be long for the rest of it. */
  readonly keep?: KeptFields;
}

/** What came back, already read. */
export type PlatformReply = Reply | Unavailable;

/** An answer, whatever its status. */
export interface Reply {
  readonly kind: "reply";
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON body; undefined if it is empty or not JSON. */
  readonly body: unknown;
  /** When the request was sent, by the service's time: what the platform counts from then on is counted from here. */
  readonly sentAt: Date;
  /** By the platform's own clock (its Date header) where it sent one. Only for what that clock says, too. */
  readonly receivedAt: Date;
}

export interface SendOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => Date;
  /** For the whole exchange, body included. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 10_000;
/** Of an answer, or of what is kept of it. */
const maxKeptBytes = 1024 * 1024;
/** Of an answer of which only a part is kept. */
const maxReadBytes = 16 * maxKeptBytes;
/** The cause of an answer that passes its limit. */
export const answerTooLarge = "answer_too_large";

/** Errors that prove the request never reached the platform. */
const unsentCodes = new Set([
  "ADDRESS_REFUSED",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/**
 * Sends once: never retries, follows no redirect, keeps at most 1 MiB (of up to 16 MiB where the request names what is wanted),
 * gives up after the total deadline. Never throws.
 */
export async function send(request: PlatformRequest, options: SendOptions): Promise<PlatformReply> {
  const signal = AbortSignal.timeout(options.deadlineMs ?? defaultDeadlineMs);
  const sentAt = options.now();
  try {
    const response = await options.fetch(request.url, {
      method: request.method,
      headers: { "user-agent": "oauth-token-service", ...request.headers },
      redirect: "manual",
      signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const text = await readBody(response, request.keep);
    if (text === undefined) return unavailable(answerTooLarge, true);
    if (response.status >= 300 && response.status < 400) return unavailable(`http_${response.status}`, true);
    return {
      kind: "reply",
      status: response.status,
      headers: response.headers,
      body: parseJson(text),
      sentAt,
      receivedAt: serverTime(response.headers, options.now()),
    };
  } catch (error) {
    const code = errorCode(error);
    return unavailable(code, !unsentCodes.has(code));
  }
}

/** A POST, PUT, PATCH or DELETE with a JSON body. */
export function jsonRequest(
  method: PlatformRequest["method"],
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): PlatformRequest {
  return {
    method,
    url,
    headers: { accept: "application/json", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

/** A POST with a form body (RFC 6749 appendix B); undefined fields are left out. */
export function formRequest(
  url: string,
  fields: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): PlatformRequest {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.set(name, value);
  return {
    method: "POST",
    url,
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded", ...headers },
    body: form.toString(),
  };
}

/** HTTP Basic (RFC 6749 section 2.3.1: both parts form-encoded first). */
export function basicAuthorization(clientId: string, clientSecret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110 section 10.2.3), at most an hour. */
export function retryAfterMs(headers: Headers, now: Date): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now.getTime();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3_600_000) : undefined;
}

/** The outcome for an answer that says nothing about the grant. */
export function unavailable(cause: string, mayHaveBeenProcessed: boolean, retryAfter?: number): Unavailable {
  return { kind: "unavailable", retryAfterMs: retryAfter, mayHaveBeenProcessed, cause };
}

/** Undefined if it passes its limit. A refusal is read as a whole: its words are not those of a success. */
async function readBody(response: Response, keep: KeptFields | undefined): Promise<string | undefined> {
  if (response.body === null) return "";
  const isPart = keep !== undefined && response.ok;
  const part = isPart ? createKeptJson(keep, maxKeptBytes) : undefined;
  const maxBytes = isPart ? maxReadBytes : maxKeptBytes;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    if (part === undefined) chunks.push(chunk);
    else if (!part.push(chunk)) return undefined;
  }
  return part === undefined ? Buffer.concat(chunks).toString("utf8") : part.text();
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The one form that servers send (RFC 9110 section 5.6.7); `Date.parse` takes nearly anything for a time. */
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function serverTime(headers: Headers, fallback: Date): Date {
  const text = headers.get("date") ?? "";
  const time = httpDate.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? fallback : new Date(time);
}

function errorCode(error: unknown): string {
  if (error instanceof Error) {
    if (error.name === "TimeoutError") return "timeout";
    const cause: unknown = error.cause;
    if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
    if ("code" in error && typeof error.code === "string") return error.code;
  }
  return "network_error";
}
