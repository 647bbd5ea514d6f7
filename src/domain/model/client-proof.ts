import type { ClientProof, ExchangeOutcome } from "./platform.ts";

/** What the answer to a made-up code says of who sent it. */
export function proofOf(outcome: ExchangeOutcome): ClientProof {
  switch (outcome.kind) {
    case "code_rejected":
      return { kind: "known" };
    case "person_must_act":
      return { kind: "unproven", code: outcome.code };
    case "connected":
    case "not_yours":
    case "not_administered":
      return { kind: "unproven", code: "code_was_taken" };
    default:
      return outcome;
  }
}
