import { shows, type Visibility } from "../access/access.ts";
import { checkKnown } from "../installations/list-installations.ts";
import type { Call } from "../model/call.ts";
import type { Installation, InstallationFilter, Position } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platforms } from "../model/platforms.ts";
import type { ChangeTail } from "./change-tail.ts";
import type { InstallationChange, InstallationChanges } from "./installation-changes.ts";
import { type Place, placeOf } from "./place.ts";

export type WatchFilter = Pick<InstallationFilter, "platform" | "owner">;

export type WatchEvent =
  | { readonly kind: "present"; readonly installation: Installation }
  | { readonly kind: InstallationChange["kind"]; readonly installation: Installation; readonly place: Place }
  /** All up to `place` was told. */
  | { readonly kind: "synced"; readonly place: Place };

/**
 * What the caller sees as it is now, then `synced`, then every change as it is committed; from a place on what has changed
 * since, unless nothing follows from that any more; from `now` on what changes alone. Read as it is taken, so that a slow reader holds nothing in memory.
 * Ends by failing alone: with the reason of `signal`, or SERVICE_UNAVAILABLE.
 */
export type WatchInstallations = (
  filter: WatchFilter,
  from: Place | "now" | undefined,
  call: Call,
  signal: AbortSignal,
) => AsyncIterable<WatchEvent>;

export interface WatchParts {
  readonly installations: Pick<InstallationRepository, "list">;
  readonly changes: InstallationChanges;
  readonly tail: ChangeTail;
  readonly platforms: Platforms;
  /** After so long without a word comes a `synced`. 30 s by default. */
  readonly silenceMs?: number;
}

const defaultSilenceMs = 30_000;
const pageSize = 500;

/** The use case behind WatchInstallations. */
export function createWatchInstallations(parts: WatchParts): WatchInstallations {
  const { installations, changes, tail, platforms, silenceMs = defaultSilenceMs } = parts;

  async function* present(filter: WatchFilter, visible: Visibility): AsyncIterable<WatchEvent> {
    for (let after: Position | undefined; ; ) {
      const page = await installations.list(filter, visible, after, pageSize);
      for (const installation of page) {
        if (installation.status !== "revoked") yield { kind: "present", installation };
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) return;
      after = { createdAt: last.createdAt, id: last.id };
    }
  }

  async function* watch(
    filter: WatchFilter,
    from: Place | "now" | undefined,
    visible: Visibility,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent> {
    const sees = sight(filter, visible);
    const latest = await changes.latest();
    const resumed = typeof from === "object" && (await changes.markOf(from.sequence)) === from.mark;
    let place = resumed ? from : { sequence: latest, mark: (await changes.markOf(latest)) ?? "" };
    // What changes meanwhile may be in there, and is told again behind it.
    if (!resumed && from !== "now") yield* present(filter, visible);

    let synced = false;
    let spokenAt = performance.now();
    for (;;) {
      if (!synced && place.sequence >= latest) {
        synced = true;
        yield { kind: "synced", place };
        spokenAt = performance.now();
      }
      const quietMs = spokenAt + silenceMs - performance.now();
      for (const change of quietMs > 0 ? await tail.next(place, quietMs, signal) : []) {
        place = placeOf(change);
        const told = toldOf(change, sees);
        if (told === undefined) continue;
        yield { ...told, place };
        spokenAt = performance.now();
      }
      if (performance.now() - spokenAt < silenceMs) continue;
      if (synced) yield { kind: "synced", place };
      spokenAt = performance.now();
    }
  }

  return (filter, from, { access }, signal) => {
    access.check(filter.platform, filter.owner);
    if (filter.platform !== undefined) checkKnown(filter.platform, platforms);
    return watch(filter, from, access.visible(filter.platform), signal);
  };
}

type Sees = (installation: Installation) => boolean;

/** Whether an installation, as it is or was, belongs to what is watched. */
function sight(filter: WatchFilter, visible: Visibility): Sees {
  return ({ products, owner }) => {
    if (filter.owner !== undefined && filter.owner !== owner) return false;
    const meant = filter.platform === undefined ? products : products.filter((name) => name === filter.platform);
    return meant.some((product) => shows(visible, product, owner));
  };
}

/** What a change is for somebody who sees a part: what comes into sight is created, what leaves it has ended. */
function toldOf({ kind, installation, before = installation }: InstallationChange, sees: Sees) {
  const saw = kind !== "created" && sees(before);
  const seesNow = kind !== "ended" && sees(installation);
  if (saw && seesNow) return { kind: "updated", installation } as const;
  if (seesNow) return { kind: "created", installation } as const;
  // Of another owner nothing is shown.
  if (saw) return { kind: "ended", installation: sees(installation) ? installation : before } as const;
  return undefined;
}
