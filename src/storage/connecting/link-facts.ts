import type { LinkFacts } from "../../domain/connecting/install-link.ts";
import type { StoredFacts } from "../schema.ts";

export function toFacts({ policyHash, installationId, ...facts }: StoredFacts): LinkFacts {
  return { ...facts, policyHash, installationId };
}
