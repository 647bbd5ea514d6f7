import { fitsHeader } from "../../calls/proof.ts";
import { Failure, usage } from "../failure.ts";
import type { CliWorld } from "../world.ts";

export interface ServiceCall {
  /** As `parseServiceUrl` gives it. */
  readonly service: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** With its parts encoded. */
  readonly path: string;
  readonly bearer: string | undefined;
  readonly body?: object;
}

/** What a service answered; the body is undefined where it is no JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** What `Retry-After` asks for, at most five minutes. */
  readonly retryAfterMs: number | undefined;
  /** By the service's clock, in milliseconds; undefined if it did not say. */
  readonly time: number | undefined;
}

const timeoutMs = 15_000;
const maxBytes = 1024 * 1024;

/**
 * Asks a service once. A redirect is not followed: the secret is for this address alone.
 * @throws Failure `SERVICE_UNREACHABLE` if no answer of the service came, or of usage if no header can hold the secret.
 */
export async function callService(world: CliWorld, call: ServiceCall): Promise<Answer> {
  const { service, method, path, bearer, body } = call;
  // fetch would show it in what it throws.
  if (bearer !== undefined && !fitsHeader(bearer)) throw usage(`the key or secret for ${service} is no line of text`);
  let response: Response;
  let text: string;
  try {
    response = await world.fetch(`${service}${path}`, {
      method,
      redirect: "manual",
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), world.interrupt]),
      headers: {
        accept: "application/json",
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await readCapped(response);
  } catch (error) {
    world.interrupt.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw unreachable(`${service} could not be reached: ${causeOf(error)}`);
  }
  if (response.status >= 300 && response.status < 400) {
    const where = originOf(response.headers.get("location"), service);
    throw new Failure(
      "failed",
      "REDIRECTED",
      `${service} sends on to ${where}: if that is the service, give its address with --service`,
    );
  }
  const { status, headers } = response;
  return { status, body: parseJson(text), retryAfterMs: retryAfter(headers), time: timeOf(headers) };
}

export function unreachable(message: string): Failure {
  return new Failure("unreachable", "SERVICE_UNREACHABLE", message);
}

async function readCapped(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new Error("its answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** fetch itself says no more than that it failed. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMs / 1000} s`;
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error ? cause.message : error.message;
}

function originOf(location: string | null, service: string): string {
  try {
    return new URL(location ?? "", service).origin;
  } catch {
    return "another place";
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function timeOf(headers: Headers): number | undefined {
  const time = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(time) ? undefined : time;
}

function retryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 300) * 1000 : undefined;
}
