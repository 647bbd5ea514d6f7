import type { Change, ChangeFeed } from "../domain/model/change-feed.ts";

/** The channel that migrations' triggers announce changes on. */
export const changeChannel = "oauth_token_service";

/** The channel that tells of new rows of `installation_changes`: one of its own, which versions before it do not hear. */
export const historyChannel = "oauth_token_service_changes";

/** A feed of what is published into it: all there is where one process has the database to itself. */
export interface PublishedChanges extends ChangeFeed {
  publish(change: Change): void;
}

export function createPublishedChanges(): PublishedChanges {
  const listeners = new Set<(change: Change) => void>();
  return {
    isAlive: () => true,
    publish(change) {
      for (const listener of listeners) listener(change);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Reads a payload of the triggers. What is not understood may have been anything. */
export function parseChange(payload: string): Change {
  const [kind, id, platform] = payload.split(" ");
  if (kind === "installation" && id !== undefined) return { kind, id, platform };
  if (kind === "credential" && id !== undefined) return { kind, id };
  if (kind === "granted" && id !== undefined && platform !== undefined) return { kind, id, installationId: platform };
  return { kind: "everything", missed: true };
}
