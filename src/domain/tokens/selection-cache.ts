import type { Secret } from "../../secret.ts";
import { boundedCache } from "../../work/bounded-cache.ts";
import { perObject } from "../../work/per-object.ts";
import type { Visibility } from "../access/access.ts";
import type { Change, ChangeFeed } from "../model/change-feed.ts";
import type { Credential } from "../model/credential.ts";
import type { Selector } from "../model/installation-repository.ts";
import type { Selected } from "./select-installation.ts";

export interface SelectionCache {
  /** What is remembered, at once; undefined where the database has to be asked. */
  recall(selector: Selector, visible: Visibility): Selected | undefined;
  /** Asks the database, once for all who ask the same at the same time. Told of as a miss, or as a bypass. */
  select(selector: Selector, visible: Visibility): Promise<Selected>;
  readonly size: number;
}

/**
 * Remembers what selectors found for whoever sees the same, opened access tokens included, never refresh tokens.
 * Dropped by the change feed; while that is not proven alive every look-up goes to the database. Refusals are not
 * remembered.
 */
export function createSelectionCache(parts: {
  readonly select: (selector: Selector, visible: Visibility) => Promise<Selected>;
  readonly changes: ChangeFeed;
  readonly maxEntries: number;
  /** Told of every look-up: whether memory answered it. */
  readonly onLookUp?: (outcome: "hit" | "miss" | "bypass") => void;
}): SelectionCache {
  const { select, changes, maxEntries, onLookUp = () => undefined } = parts;
  const remembered = boundedCache<Selected>(maxEntries, (_gone, key) => unindex(key));
  const keysOf = new Map<string, Set<string>>();
  const indexOf = new Map<string, readonly string[]>();
  const flights = new Map<string, Flight>();
  /** Counts changes: what was read before one of them is not remembered after it. */
  let epoch = 0;

  changes.subscribe((change) => {
    // What selections are made of is announced besides.
    if (change.kind === "history" || change.kind === "granted") return;
    epoch++;
    if (change.kind === "everything") remembered.clear();
    else for (const name of affected(change)) for (const key of [...(keysOf.get(name) ?? [])]) remembered.delete(key);
  });

  function remember(key: string, selector: Selector, selected: Selected): void {
    const names = [`i:${selected.installation.id}`, `c:${selected.credential.id}`];
    if (selector.installationId === undefined) names.push(`p:${selected.platform.name}`);
    remembered.set(key, selected);
    indexOf.set(key, names);
    for (const name of names) {
      const keys = keysOf.get(name);
      if (keys === undefined) keysOf.set(name, new Set([key]));
      else keys.add(key);
    }
  }

  async function lookUp(key: string, selector: Selector, visible: Visibility): Promise<Selected> {
    const before = epoch;
    const found = await select(selector, visible);
    const opened = { ...found, credential: openedOnce(found.credential) };
    if (before === epoch && changes.isAlive()) remember(key, selector, opened);
    return opened;
  }

  function unindex(key: string): void {
    if (remembered.has(key)) return;
    for (const name of indexOf.get(key) ?? []) {
      const keys = keysOf.get(name);
      keys?.delete(key);
      if (keys?.size === 0) keysOf.delete(name);
    }
    indexOf.delete(key);
  }

  return {
    get size() {
      return remembered.size;
    },
    recall(selector, visible) {
      if (!changes.isAlive()) return undefined;
      const known = remembered.get(keyOf(selector, visible));
      if (known !== undefined) onLookUp("hit");
      return known;
    },

    select(selector, visible) {
      if (!changes.isAlive()) {
        onLookUp("bypass");
        return select(selector, visible);
      }
      onLookUp("miss");
      const key = keyOf(selector, visible);
      const running = flights.get(key);
      // What began before a change may have missed it.
      if (running?.selected !== undefined && running.epoch === epoch) return running.selected;
      const selected = lookUp(key, selector, visible);
      const flight: Flight = { epoch, selected };
      flights.set(key, flight);
      const land = () => {
        flight.selected = undefined;
        if (flights.get(key) === flight) flights.delete(key);
      };
      selected.then(land, land);
      return selected;
    },
  };
}

/**
 * A look-up that others may wait for as well, as long as nothing changed since it began. Emptied when it ends, since a
 * Map that was copied keeps what left it until the next full collection.
 */
interface Flight {
  readonly epoch: number;
  selected: Promise<Selected> | undefined;
}

/** A changed installation may become, or stop being, what a selector without an id finds. */
function affected(change: Exclude<Change, { kind: "everything" | "history" | "granted" }>): readonly string[] {
  switch (change.kind) {
    case "installation":
      return change.platform === undefined ? [`i:${change.id}`] : [`i:${change.id}`, `p:${change.platform}`];
    case "credential":
      return [`c:${change.id}`];
  }
}

/** Doors remember requests, so that the same selector comes again as the same object. */
const selectorKey = perObject((selector: Selector): string => {
  const { installationId, platform, externalOrgId, externalInstallId, owner, actor, externalUserId } = selector;
  // As JSON, since names may hold any character: no selector reads like another.
  return JSON.stringify([installationId, platform, externalOrgId, externalInstallId, owner, actor, externalUserId]);
});

/** Whoever sees everything has the empty key. */
function keyOf(selector: Selector, { key }: Visibility): string {
  return key === "" ? selectorKey(selector) : `${selectorKey(selector)}\n${key}`;
}

/** Opening a token costs as much as the rest of a call. */
function openedOnce(credential: Credential): Credential {
  let opened: { readonly token: Secret | undefined } | undefined;
  return {
    ...credential,
    accessToken() {
      opened ??= { token: credential.accessToken() };
      return opened.token;
    },
  };
}
