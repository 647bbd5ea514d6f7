import type { LinkFacts } from "../../domain/connecting/install-link.ts";

/** Facts of a link as JSON keeps them: what is undefined is left out. */
export type StoredFacts = Omit<LinkFacts, "policyHash" | "installationId"> &
  Partial<Pick<LinkFacts, "policyHash" | "installationId">>;

export function toFacts({ policyHash, installationId, ...facts }: StoredFacts): LinkFacts {
  return { ...facts, policyHash, installationId };
}
