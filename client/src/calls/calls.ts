import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { TokenServiceError } from "../token-service-error.ts";
import { abortable, follow, longestTimerMs, sleep } from "./abortable.ts";
import { refuseUnknownFields } from "./known-fields.ts";
import { toRefusal, unreachable } from "./refusal.ts";
import type { Way } from "./way.ts";

/** What the service said, and by which clock. */
export interface Answer<Message> {
  readonly message: Message;
  /** The service's time in milliseconds, late by a second at most. Undefined if it did not say. */
  readonly serviceTime: number | undefined;
}

export interface CallSettings {
  readonly signal?: AbortSignal | undefined;
  /** In all, retries included; the client's own if unset. */
  readonly timeoutMs?: number | undefined;
  /** How often the service is tried for when it cannot be reached: once where an answer that got lost does harm. */
  readonly tries?: number;
}

/** Calls of the service, with credentials, a deadline and retries. Refusals are `TokenServiceError`s. */
export interface Calls {
  unary<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    settings?: CallSettings,
  ): Promise<Answer<MessageShape<Output>>>;
  /** Once, without a deadline; fails with what `toRefusal` reads, and when the signal ends it. */
  stream<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodServerStreaming<Input, Output>,
    request: MessageInitShape<Input>,
    signal: AbortSignal,
  ): AsyncIterable<MessageShape<Output>>;
  /** Aborted once the client is closed. */
  readonly closed: AbortSignal;
  close(): void;
}

/** The headers that prove who calls. */
export type Proof = () => Promise<Readonly<Record<string, string>>>;

const defaultTries = 3;
const firstPauseMs = 100;
/** A service that asks to come back is asked so often, as far as there is time. */
const mostAttempts = 10;

export function createCalls(way: Way, proof: Proof, timeoutMs: number): Calls {
  const closing = new AbortController();

  async function attempt<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    leftMs: number,
  ): Promise<Answer<MessageShape<Output>>> {
    try {
      const { message, header } = await abortable(way.unary(method, signal, leftMs, headers, request), signal);
      const date = Date.parse(header.get("date") ?? "");
      return { message, serviceTime: Number.isNaN(date) ? undefined : date };
    } catch (error) {
      throw toRefusal(error);
    }
  }

  return {
    closed: closing.signal,
    async unary(method, request, { signal, timeoutMs: ms = timeoutMs, tries = defaultTries } = {}) {
      refuseUnknownFields(method.input, request);
      const end = performance.now() + ms;
      const ending = new AbortController();
      const release = follow(ending, [closing.signal, signal]);
      const timer = setTimeout(() => ending.abort(late()), Math.min(ms, longestTimerMs));
      try {
        for (let attempts = 1; ; attempts++) {
          const headers = await abortable(proof(), ending.signal);
          try {
            return await attempt(method, request, headers, ending.signal, Math.ceil(end - performance.now()));
          } catch (error) {
            for (const stopped of [closing.signal, signal]) stopped?.throwIfAborted();
            const refusal = toRefusal(error);
            const pauseMs = pauseAfter(refusal, attempts, tries);
            if (pauseMs === undefined || performance.now() + pauseMs >= end) throw refusal;
            await sleep(pauseMs, ending.signal);
          }
        }
      } catch (error) {
        throw error instanceof ConnectError ? toRefusal(error) : error;
      } finally {
        clearTimeout(timer);
        release();
      }
    },
    async *stream(method, request, signal) {
      const headers = await abortable(proof(), signal);
      const { message } = await abortable(way.stream(method, signal, undefined, headers, once(request)), signal);
      yield* message;
    },
    close() {
      closing.abort(new Error("the token client is closed"));
      way.close();
    },
  };
}

async function* once<Message>(message: Message): AsyncIterable<Message> {
  yield message;
}

function late(): ConnectError {
  return new ConnectError("no answer in time", Code.DeadlineExceeded);
}

/** Undefined: what was refused would be refused again. */
function pauseAfter(refusal: TokenServiceError, attempts: number, tries: number): number | undefined {
  // Not all at once, when a hundred processes were told the same.
  const spread = 1 + Math.random() / 4;
  if (refusal.reason !== unreachable) {
    const { retryAfterMs } = refusal;
    return retryAfterMs === undefined || attempts >= mostAttempts ? undefined : Math.max(retryAfterMs, 1) * spread;
  }
  return attempts < tries ? firstPauseMs * 2 ** (attempts - 1) * spread : undefined;
}
