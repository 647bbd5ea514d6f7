import type { Call } from "../model/call.ts";
import { concernKinds, type ListedConcern } from "./concern.ts";
import type { ConcernFilter, ConcernRepository } from "./concern-repository.ts";

/**
 * What needs a person, or will soon, of the connections that the caller may see. With `installationIds` (a page of the
 * list) all of theirs, for a mark beside each; else the latest 500 of all. `describeConcern` has the words for people.
 * The access is that of ListInstallations: who may list a connection may know how it is.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export type ListConcerns = (filter: ConcernFilter, call: Pick<Call, "access">) => Promise<readonly ListedConcern[]>;

/** Shown at most where no connections are named. */
export const mostListed = 500;

export function createListConcerns(concerns: Pick<ConcernRepository, "list">): ListConcerns {
  return async (filter, { access }) => {
    const ids = filter.installationIds;
    if (ids?.length === 0) return [];
    // A connection has one of each kind at most.
    const limit = ids === undefined ? mostListed : ids.length * concernKinds.length;
    return concerns.list(filter, access.visible(undefined), limit);
  };
}
