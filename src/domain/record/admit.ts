import { ServiceError } from "../../errors.ts";
import type { Authenticate, Caller, Evidence } from "../access/caller.ts";
import { unprovenCaller } from "../model/audit-event.ts";
import type { Arrival } from "../model/call.ts";
import type { NoteEvent } from "./noted-events.ts";

/** Lets a caller in to what is no RPC. @throws ServiceError CALLER_UNAUTHENTICATED, CALLER_NOT_ALLOWED. */
export type Admit = (evidence: Evidence, arrival: Pick<Arrival, "address" | "requestId">) => Promise<void>;

/** Admits who may use `method`; refusals are on record as those of calls are. */
export function createAdmit(parts: {
  readonly method: string;
  readonly authenticate: Authenticate;
  readonly note: NoteEvent;
  readonly now: () => Date;
}): Admit {
  const { method, authenticate, note, now } = parts;
  return async (evidence, { address, requestId }) => {
    let asking: Pick<Caller, "name" | "policyHash"> = { name: unprovenCaller, policyHash: undefined };
    try {
      const caller = await authenticate(evidence);
      asking = caller;
      caller.access(method);
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
