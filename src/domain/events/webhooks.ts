import { setTimeout as delay } from "node:timers/promises";
import type { World } from "../../world.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platforms } from "../model/platforms.ts";
import type { WebhookRepository } from "../model/webhook-repository.ts";
import { createAppWebhooks } from "./app-webhooks.ts";

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

export interface WebhookParts {
  readonly webhooks: WebhookRepository;
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  /** Where a platform sends its events. */
  readonly addressOf: (platform: string) => string;
  readonly world: World;
}

export function createWebhooks(parts: WebhookParts): Webhooks {
  const { installations, platforms, world } = parts;
  const ofApps = createAppWebhooks(parts);
  const running = new Set<Promise<void>>();

  function run(work: Promise<void>): Promise<void> {
    const safe = work.catch((error: unknown) =>
      world.log.warn({ error: error instanceof Error ? error.name : "unknown" }, "webhook.not_looked_at"),
    );
    running.add(safe);
    return safe.finally(() => running.delete(safe));
  }

  async function register(connected: readonly Installation[]): Promise<void> {
    const names = new Set(connected.map(({ platform }) => platform));
    await Promise.all([...names].flatMap((name) => platforms.byName(name) ?? []).map((one) => ofApps.look(one, true)));
  }

  return {
    begin: () => run(Promise.all(platforms.all.map((platform) => ofApps.look(platform, true))).then(() => undefined)),
    keep: () => run(Promise.all(platforms.all.map((platform) => ofApps.look(platform, false))).then(() => undefined)),
    async connected(connected) {
      const missing = connected.filter(({ webhook }) => webhook?.registered !== true);
      if (missing.length === 0) return connected;
      await Promise.race([run(register(missing)), delay(personWaitsMs, undefined, { ref: false })]);
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
