import { orAfter } from "../../work/or-after.ts";
import type { World } from "../../world.ts";
import type { WebhookRemoval } from "../installations/revoke-installation.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platform } from "../model/platform.ts";
import type { Platforms } from "../model/platforms.ts";
import type { WebhookRegistrar } from "../model/webhook-registrar.ts";
import type { WebhookRepository } from "../model/webhook-repository.ts";
import type { WithSiteToken } from "../tokens/site-token.ts";
import { createAppWebhooks } from "./app-webhooks.ts";
import { createSiteWebhooks } from "./site-webhooks.ts";

/** Keeps platforms sending their events to us. Nothing of it fails, or is waited for longer than a person would. */
export interface Webhooks {
  /** Looks at all of them, at start. */
  begin(): Promise<void>;
  /** Looks at those that are due. Any number of replicas may do so at once. */
  keep(): Promise<void>;
  /** Registers what was just connected, and gives it as it is then; what takes too long goes on. */
  connected(installations: readonly Installation[]): Promise<readonly Installation[]>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** A person waits for this; the platforms may take longer. */
const personWaitsMs = 3_000;

export function createWebhooks(parts: {
  readonly webhooks: WebhookRepository;
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  readonly withSiteToken: WithSiteToken;
  readonly removal: WebhookRemoval;
  /** Where a platform sends its events. */
  readonly addressOf: (platform: string) => string;
  readonly world: World;
}): Webhooks {
  const { installations, platforms, world } = parts;
  const ofApps = createAppWebhooks(parts);
  const ofSites = createSiteWebhooks(parts);
  const running = new Set<Promise<void>>();

  /** One after the other: nobody waits for it, and callers' own statements come first. */
  function forEach(work: (platform: Platform, registrar: WebhookRegistrar) => Promise<void>): Promise<void> {
    const all = (async () => {
      for (const platform of platforms.all) {
        const { name, registrar } = platform;
        if (registrar !== undefined)
          await work(platform, registrar).catch((error: unknown) => notLookedAt(name, error));
      }
    })();
    running.add(all);
    return all.finally(() => running.delete(all));
  }

  function notLookedAt(platform: string, error: unknown): void {
    world.log.warn({ platform, error: error instanceof Error ? error.name : "unknown" }, "webhook.not_looked_at");
  }

  async function look(platform: Platform, registrar: WebhookRegistrar, atStart: boolean): Promise<void> {
    switch (registrar.kind) {
      case "by_hand":
        return ofApps.note(platform.name, registrar.lacks);
      case "app":
        return ofApps.look(platform.name, registrar, atStart);
      case "site":
        return atStart ? ofSites.begin(platform, registrar) : ofSites.keep(platform, registrar);
    }
  }

  async function register(platform: Platform, registrar: WebhookRegistrar, connected: readonly Installation[]) {
    if (registrar.kind !== "site") return look(platform, registrar, true);
    await Promise.all(connected.map((one) => ofSites.register(platform, registrar, one)));
  }

  return {
    begin: () => forEach((platform, registrar) => look(platform, registrar, true)),
    keep: () => forEach((platform, registrar) => look(platform, registrar, false)),
    async connected(connected) {
      const missing = connected.filter(({ platform, webhook }) => {
        const kind = platforms.byName(platform)?.registrar?.kind;
        // A site's may have gone with the grant before, and is asked for by its person.
        return kind !== undefined && (kind === "site" || webhook?.registered !== true);
      });
      if (missing.length === 0) return connected;
      const work = forEach(async (platform, registrar) => {
        const own = missing.filter((one) => one.platform === platform.name);
        if (own.length > 0) await register(platform, registrar, own);
      });
      await orAfter(personWaitsMs, work, () => undefined);
      return Promise.all(connected.map(async (one) => (await find(one.id)) ?? one));
    },
    async idle() {
      await Promise.all(running);
    },
  };

  /** What is connected stays so, whatever cannot be read of it now. */
  function find(id: string): Promise<Installation | undefined> {
    return installations.find(id).catch(() => undefined);
  }
}
