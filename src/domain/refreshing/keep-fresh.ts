import type { World } from "../../world.ts";
import type { Credential } from "../model/credential.ts";
import type { CredentialRepository, DueCredential } from "../model/credential-repository.ts";
import type { Platform } from "../model/platform.ts";
import type { Platforms } from "../model/platforms.ts";
import type { Refresher } from "./refresher.ts";

const hourMs = 3_600_000;
/** Rotating grants used this recently are refreshed ahead of need, tokens minted with the app's key if used within an hour. */
const recentMs = { rotating: 24 * hourMs, minted: hourMs };
/** Refreshes of one platform at once: callers' own come first. */
const concurrency = 4;
const batch = 200;
/** A round takes nothing up after this long: what hangs is not waited for by what has become due meanwhile. */
const roundMs = 10_000;

export interface KeepFresh {
  /** One round: refreshes what is due and was used recently, and what would otherwise die of disuse. */
  refreshDue(): Promise<void>;
}

/** Refreshes nobody waits for. Replicas may run it at once: the lease lets one of them do each. */
export function createKeepFresh(parts: {
  readonly credentials: CredentialRepository;
  readonly platforms: Platforms;
  readonly refresher: Refresher;
  readonly world: World;
}): KeepFresh {
  const { credentials, platforms, refresher, world } = parts;

  /** What was refused to another client gets its chance with this one. */
  async function revive({ name, registration }: Platform): Promise<void> {
    const revived = await credentials.reviveRefused(name, registration);
    if (revived.length === 0) return;
    world.log.warn({ platform: name, installations: revived.map(({ id }) => id) }, "grant.revived");
  }

  async function refreshPlatform(platform: Platform): Promise<void> {
    await revive(platform);
    const now = world.now().getTime();
    const due = await credentials.due({
      platform: platform.name,
      now: new Date(now),
      rotatingUsedSince: new Date(now - recentMs.rotating),
      mintedUsedSince: new Date(now - recentMs.minted),
      refreshedBefore: platform.keepAliveMs === undefined ? undefined : new Date(now - platform.keepAliveMs),
      limit: batch,
      registration: platform.registration,
    });
    // Replicas begin at different places, so that they seldom wait for each other.
    const start = due.length === 0 ? 0 : world.random(4).readUInt32BE() % due.length;
    const waiting = [...due.slice(start), ...due.slice(0, start)];
    const fair = fairly(waiting);
    const stopAt = performance.now() + roundMs;
    const work = async () => {
      while (performance.now() < stopAt && platform.leftAlone?.() !== true) {
        const next = fair.take();
        if (next === undefined) return;
        await refresh(next.credential);
        fair.done(next);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  /** How it goes is on record and in the metrics: one credential's trouble is no reason to leave the others. */
  async function refresh(credential: Credential): Promise<void> {
    try {
      await refresher.refresh(credential);
    } catch (error) {
      world.log.warn({ credential: credential.id, error: error instanceof Error ? error.name : "" }, "refresh.failed");
    }
  }

  return {
    async refreshDue() {
      // All of them end before the next round begins, whatever goes wrong with one: else its neighbours' would overlap.
      const ended = await Promise.allSettled(platforms.all.map(refreshPlatform));
      for (const one of ended) if (one.status === "rejected") throw one.reason;
    },
  };
}

/** Takes from the owners in turn: who has the fewest under way, and among them who has not failed before. */
function fairly(waiting: DueCredential[]) {
  const underWay = new Map<string, number>();
  const count = ({ owner }: DueCredential) => underWay.get(owner ?? "") ?? 0;
  const change = (one: DueCredential, by: number) => void underWay.set(one.owner ?? "", count(one) + by);
  const rank = (one: DueCredential) => [Math.min(one.credential.failures, 1), count(one)] as const;
  return {
    take(): DueCredential | undefined {
      let [best] = waiting;
      for (const one of waiting) {
        if (best === undefined) break;
        const [failed, busy] = rank(one);
        const [leastFailed, leastBusy] = rank(best);
        if (failed < leastFailed || (failed === leastFailed && busy < leastBusy)) best = one;
      }
      if (best === undefined) return undefined;
      waiting.splice(waiting.indexOf(best), 1);
      change(best, 1);
      return best;
    },
    done: (one: DueCredential) => change(one, -1),
  };
}
