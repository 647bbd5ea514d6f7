import type { Call } from "../../src/domain/call.ts";

/** A call of nobody in particular with ten seconds left. */
export function call(options: { caller?: string; remainingMs?: number } = {}): Call {
  return {
    caller: options.caller ?? "anonymous",
    address: "127.0.0.1",
    requestId: "test",
    method: "GetToken",
    remainingMs: () => options.remainingMs ?? 10_000,
  };
}
