import type { World } from "../world.ts";
import type { Credential } from "./credential.ts";
import type { Platform, Platforms } from "./platform.ts";
import type { Refresher } from "./refresh.ts";
import type { CredentialRepository } from "./repositories.ts";

const hourMs = 3_600_000;
/** Rotating grants used this recently are refreshed ahead of need, tokens minted with the app's key if used within an hour. */
const recentMs = { rotating: 24 * hourMs, minted: hourMs };
/** Refreshes of one platform at once: callers' own come first. */
const concurrency = 4;
const batch = 200;
/** How long before a grant's own end it is warned of. */
const warnMs = 30 * 24 * hourMs;

export interface KeepFresh {
  /** One round: refreshes what is due and was used recently, and what would otherwise die of disuse. */
  refreshDue(): Promise<void>;
  /** Logs the grants that end within 30 days, whatever is refreshed; a person has to connect them again. */
  warnOfEndings(): Promise<void>;
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
    let trouble = false;
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined && !trouble; next = waiting.shift()) {
        trouble = await isTrouble(next);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  /** The platform's trouble ends the round: the other credentials would meet it too. */
  async function isTrouble(credential: Credential): Promise<boolean> {
    try {
      const outcome = await refresher.refresh(credential);
      if (outcome.kind === "current") return false;
      return outcome.failure !== "dead" && outcome.failure !== "gone" && outcome.failure !== "suspended";
    } catch (error) {
      world.log.warn({ credential: credential.id, error: error instanceof Error ? error.name : "" }, "refresh.failed");
      return false;
    }
  }

  return {
    async refreshDue() {
      await Promise.all(platforms.all.map(refreshPlatform));
    },
    async warnOfEndings() {
      const now = world.now();
      for (const ending of await credentials.ending(new Date(now.getTime() + warnMs), batch)) {
        const { id: credential, platform, endsAt, installationIds: installations } = ending;
        world.log.warn({ platform, credential, installations, endsAt }, "grant.ending");
      }
    },
  };
}
