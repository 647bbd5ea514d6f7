import { describeError } from "../../described-error.ts";
import type { World } from "../../world.ts";
import type { Platform } from "../model/platform.ts";
import type { Platforms } from "../model/platforms.ts";
import type { ConcernRepository } from "./concern-repository.ts";
import type { PlatformNow } from "./find-concerns.ts";

/** What an app asks for changes when somebody edits its registration. */
const wantedForMs = 600_000;

/** What there is to know of the configured platforms, by name, for one round. */
export function createPlatformsNow(parts: {
  readonly concerns: Pick<ConcernRepository, "lastProven">;
  readonly platforms: Platforms;
  readonly world: Pick<World, "now" | "log">;
}): () => Promise<ReadonlyMap<string, PlatformNow>> {
  const { concerns, platforms, world } = parts;
  const asked = new Map<string, { readonly atMs: number; readonly wanted: PlatformNow["wanted"] }>();

  /** What it said last counts until it says something else: for a while without being asked. */
  async function wantedOf({ name, approvals, leftAlone }: Platform): Promise<PlatformNow["wanted"]> {
    const known = asked.get(name);
    if (approvals === undefined || leftAlone?.() === true) return known?.wanted;
    if (known !== undefined && performance.now() - known.atMs < wantedForMs) return known.wanted;
    try {
      const wanted = (await approvals.wanted()) ?? known?.wanted;
      asked.set(name, { atMs: performance.now(), wanted });
      return wanted;
    } catch (error) {
      world.log.warn({ platform: name, error: describeError(error) }, "health.not_judged");
      return known?.wanted;
    }
  }

  return async () => {
    const proven = await concerns.lastProven(platforms.all.map(({ name }) => name));
    const known = new Map<string, PlatformNow>();
    for (const platform of platforms.all) {
      const { name } = platform;
      known.set(name, { platform, lastProven: proven.get(name), wanted: await wantedOf(platform) });
    }
    return known;
  };
}
