import { ServiceError } from "../../errors.ts";
import type { Authenticate, Caller, Evidence } from "../access/caller.ts";
import { keepToRates, type RateLimiter } from "../access/rate-limiter.ts";
import { unprovenCaller } from "../model/audit-event.ts";
import type { Arrival, Call } from "../model/call.ts";
import type { NoteEvent } from "./noted-events.ts";

/**
 * Lets a caller in to what is no RPC; gives its call.
 * @throws ServiceError CALLER_UNAUTHENTICATED, CALLER_NOT_ALLOWED, CALLER_RATE_LIMITED.
 */
export type Admit = (evidence: Evidence, arrival: Pick<Arrival, "address" | "requestId">) => Promise<Call>;

/** How long who asks is taken to wait. */
const patienceMs = 10_000;

/** Admits who may use `method`; refusals are on record as those of calls are. Without a limiter rates do not count. */
export function createAdmit(parts: {
  readonly method: string;
  readonly authenticate: Authenticate;
  readonly limiter?: RateLimiter | undefined;
  readonly note: NoteEvent;
  readonly now: () => Date;
}): Admit {
  const { method, authenticate, limiter, note, now } = parts;
  return async (evidence, { address, requestId }) => {
    let asking: Pick<Caller, "name" | "policyHash"> = { name: unprovenCaller, policyHash: undefined };
    try {
      const caller = await authenticate(evidence);
      asking = caller;
      const access = caller.access(method);
      if (limiter !== undefined) keepToRates(limiter, access);
      const { name, policyHash } = caller;
      const endsAt = performance.now() + patienceMs;
      const remainingMs = () => endsAt - performance.now();
      return { caller: name, access, policyHash, method, address, requestId, trace: undefined, remainingMs };
    } catch (error) {
      if (error instanceof ServiceError) {
        const { name: caller, policyHash } = asking;
        const who = { caller, method, address, requestId, policyHash };
        note({ ...who, kind: "call.refused", at: now(), detail: error.reason, count: 1 });
      }
      throw error;
    }
  };
}
