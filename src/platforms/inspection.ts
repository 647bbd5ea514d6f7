import type { InspectedFacts, Inspection, MintOutcome } from "../domain/model/platform.ts";
import { unavailable } from "./http.ts";

/** An inspection that tells nothing but that it is there. */
export const noFacts: InspectedFacts = {
  externalOrgName: undefined,
  scopes: undefined,
  permissions: undefined,
  metadata: undefined,
};

/** What an answer about a token says of whom it was given for: a platform's refusals mean the same wherever it is asked. */
export function inspectionOf(outcome: MintOutcome, facts: InspectedFacts = noFacts): Inspection {
  switch (outcome.kind) {
    case "minted":
    case "confirmed":
      return { kind: "present", facts };
    case "suspended":
      return { kind: "suspended", facts };
    case "rejected":
      return { kind: "grant_dead", code: outcome.code };
    case "not_granted":
      return unavailable("not_granted", false);
    default:
      return outcome;
  }
}

/** There is nothing to ask with. */
export const nothingToAskWith: Inspection = unavailable("no_token", false);

/** A word for an answer that did not tell what was asked. */
export function wordOf(outcome: Inspection | MintOutcome): string {
  if ("code" in outcome) return outcome.code;
  return "cause" in outcome ? outcome.cause : outcome.kind;
}
