import { anonymous, type Caller } from "../../src/domain/access/caller.ts";
import type { Call } from "../../src/domain/model/call.ts";

/** A call of nobody in particular, who may do everything, with ten seconds left. */
export function call(
  options: { caller?: string; as?: Caller; method?: string; remainingMs?: number; address?: string } = {},
): Call {
  const { as: caller = anonymous, method = "GetToken" } = options;
  return {
    caller: options.caller ?? caller.name,
    access: caller.access(method),
    policyHash: caller.policyHash,
    trace: undefined,
    address: options.address ?? "127.0.0.1",
    requestId: "test",
    method,
    remainingMs: () => options.remainingMs ?? 10_000,
  };
}
