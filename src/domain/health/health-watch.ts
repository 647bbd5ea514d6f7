import { describeError } from "../../described-error.ts";
import type { World } from "../../world.ts";
import type { NewDelivery } from "../deliveries/delivery-repository.ts";
import type { Platforms } from "../model/platforms.ts";
import type { ConcernChange, ConcernRepository, Places, Source } from "./concern-repository.ts";
import { findConcerns, type PlatformNow } from "./find-concerns.ts";
import { createPlatformsNow } from "./platforms-now.ts";
import { sourcesOf } from "./sources.ts";

/** Finds connections that will need a person soon, and those that do not any more. */
export interface HealthWatch {
  /** One round, unless another replica has it or it is too early. */
  round(): Promise<void>;
}

/** Between rounds, of all replicas together. */
const everyMs = 55_000;
/** Connections judged at once, and portions of each source in a round: what is left comes first in the next. */
const portion = 500;
const portions = 20;
/** A round takes nothing up after this long. */
const roundMs = 20_000;

export function createHealthWatch(parts: {
  readonly concerns: ConcernRepository;
  readonly platforms: Platforms;
  /** What is sent of a change; undefined: nobody wants to hear of any. */
  readonly alertOf: ((change: ConcernChange) => NewDelivery) | undefined;
  readonly world: Pick<World, "now" | "log">;
}): HealthWatch {
  const { concerns, platforms, alertOf, world } = parts;
  const readPlatforms = createPlatformsNow({ concerns, platforms, world });

  async function judge(ids: readonly string[], known: ReadonlyMap<string, PlatformNow>): Promise<void> {
    const now = world.now();
    const facts = await concerns.facts(ids);
    const judged = facts.map((one) => ({
      facts: one,
      ...findConcerns(one, known.get(one.installation.platform), now),
    }));
    const changes = await concerns.note(judged, (change) => alertOf?.(change));
    for (const { kind, concern } of changes) {
      const { id, installationId: installation, platform, kind: about, since, detail, actBefore } = concern;
      const level = kind === "began" ? "warn" : "info";
      const fields = { concern: id, platform, installation, about, since, detail, actBefore };
      world.log[level](fields, `concern.${kind}`);
    }
  }

  /** As far as a round goes; gives where the rest of the source begins. */
  async function look(
    source: Source,
    from: string | undefined,
    known: ReadonlyMap<string, PlatformNow>,
    stopAt: number,
  ): Promise<string | undefined> {
    let place = from;
    for (let i = 0; i < portions && performance.now() < stopAt; i++) {
      const { ids, next } = await concerns.suspects(source, place, portion);
      if (ids.length > 0) await judge(ids, known);
      place = next;
      if (next === undefined) return undefined;
    }
    return place;
  }

  return {
    async round() {
      const places = await concerns.beginRound(everyMs);
      if (places === undefined) return;
      const stopAt = performance.now() + roundMs;
      const known = await readPlatforms();
      const reached: Record<string, string> = {};
      let through = true;
      // Those that had no turn first, then those that were left in the middle: no source that fills rounds keeps another
      // from its turn.
      const sources = sourcesOf(known, world.now()).toSorted(
        (a, b) => waited(b, places) - waited(a, places) || rank(a, places) - rank(b, places),
      );
      for (const source of sources) {
        const from = places[source.key];
        if (performance.now() >= stopAt) {
          if (from !== undefined) reached[source.key] = from;
          reached[waitedKey(source)] = String(waited(source, places) + 1);
          // Once is made up for by the next round.
          if (waited(source, places) > 0) through = false;
          continue;
        }
        try {
          const place = await look(source, from, known, stopAt);
          if (place !== undefined) reached[source.key] = place;
        } catch (error) {
          // What is wrong with one of them is no reason to leave the others; it begins anew.
          through = false;
          world.log.warn({ source: source.key, error: describeError(error) }, "health.not_judged");
        }
      }
      await concerns.endRound(reached, through);
    },
  };
}

function rank({ key }: Source, places: Places): number {
  return places[key] === undefined ? 1 : 0;
}

/** Beside the places: how many rounds in a row had no time for a source. */
function waitedKey({ key }: Source): string {
  return `waited ${key}`;
}

function waited(source: Source, places: Places): number {
  return Number(places[waitedKey(source)] ?? 0);
}
