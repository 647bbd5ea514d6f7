import { setTimeout as delay } from "node:timers/promises";
import type { Request, RequestHandler, Response } from "express";
import { type Answer, sendAnswer } from "./http/answer.ts";
import type { PlatformServer } from "./http/platform-server.ts";
import { readBody, textFields } from "./http/request-body.ts";

/**
 * What goes wrong instead of, or after, the platform's work. `reset`: the connection ends before the request is
 * processed. `lost`: it is processed, then the connection ends without an answer. `hang`: no answer, ever.
 */
export type TokenFailure =
  | (Answer & {
      /** Whether the platform does its work all the same, as behind a broken gateway. */ readonly processed?: boolean;
    })
  | "reset"
  | "lost"
  | "hang";

/** What a test can do to, and read from, a platform's token and mint endpoints. */
export interface TokenControls {
  /** Awaited after the request was processed and before it is answered: a gate. */
  beforeTokenAnswer: () => Promise<void>;
  /** How long every answer takes at least. */
  delayMs: number;
  /** What one installation or grant is told whatever it asks, by its path; undefined: what it would be told anyway. */
  refusal: (path: string) => Answer | undefined;
  /** The next `times` (1) requests fail this way. */
  fail(failure: TokenFailure, times?: number): void;
  /** Forgets the failures that are still to come. */
  recover(): void;
  readonly tokenCalls: number;
  readonly refreshCalls: number;
  /** The most requests with one refresh token that were under way at once. */
  readonly maxConcurrentUsesOfOneRefreshToken: number;
  /** Requests with a refresh token that the platform had already ended. */
  readonly deadTokenReuses: number;
}

export interface TokenEndpoint {
  readonly controls: TokenControls;
  /** Puts gate, failures and counters around a token or mint route. */
  around(handle: (request: Request) => Answer | Promise<Answer>): RequestHandler;
  countDeadTokenReuse(): void;
}

export function tokenEndpoint(server: PlatformServer): TokenEndpoint {
  const failures: TokenFailure[] = [];
  const uses = new Map<string, number>();
  const controls = {
    beforeTokenAnswer: async (): Promise<void> => {},
    delayMs: 0,
    refusal: (_path: string): Answer | undefined => undefined,
    fail(failure: TokenFailure, times = 1) {
      for (let i = 0; i < times; i++) failures.push(failure);
    },
    recover() {
      failures.length = 0;
    },
    tokenCalls: 0,
    refreshCalls: 0,
    maxConcurrentUsesOfOneRefreshToken: 0,
    deadTokenReuses: 0,
  };

  /** Counts the request; the function returned ends its use of the refresh token. */
  function begin(request: Request): () => void {
    controls.tokenCalls++;
    const fields = textFields(readBody(request));
    const token = fields.grant_type === "refresh_token" ? fields.refresh_token : undefined;
    if (token === undefined) return () => {};
    controls.refreshCalls++;
    server.noteGrant(request, token);
    const use = (uses.get(token) ?? 0) + 1;
    uses.set(token, use);
    controls.maxConcurrentUsesOfOneRefreshToken = Math.max(controls.maxConcurrentUsesOfOneRefreshToken, use);
    return once(() => uses.set(token, (uses.get(token) ?? 1) - 1));
  }

  async function serve(request: Request, response: Response, handle: Parameters<TokenEndpoint["around"]>[0]) {
    const end = begin(request);
    response.once("close", end);
    const failure = failures.shift();
    if (failure === "hang") return;
    if (failure === "reset") return void request.socket.destroy();
    const refusal = controls.refusal(request.path);
    if (refusal !== undefined) return sendAnswer(response, refusal);
    const processed = failure === undefined || failure === "lost" || failure.processed === true;
    const real: Answer | undefined = processed ? await handle(request) : undefined;
    if (controls.delayMs > 0) await delay(controls.delayMs);
    await controls.beforeTokenAnswer();
    end();
    const answer = typeof failure === "object" ? failure : real;
    if (failure === "lost" || answer === undefined) request.socket.destroy();
    else sendAnswer(response, answer);
  }

  return {
    controls,
    around: (handle) => (request, response) => serve(request, response, handle),
    countDeadTokenReuse() {
      controls.deadTokenReuses++;
    },
  };
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}
