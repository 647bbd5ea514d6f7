import { boundedCache } from "../../work/bounded-cache.ts";
import type { World } from "../../world.ts";
import type { EventSubject, PlatformEvent } from "../model/platform-event.ts";
import type { WebhookRepository } from "../model/webhook-repository.ts";

/** Told of every verified event; nobody waits for it, and nothing of it fails. */
export type HeardOf = (platform: string, event: Pick<PlatformEvent, "about">) => void;

/** That a site is not silent is noted once in so long. */
const notedForMs = 3_600_000;
const maxNoted = 10_000;

/** Notes which sites' webhooks deliver: one that falls silent is found by that. */
export function createHeardOf(parts: {
  readonly webhooks: Pick<WebhookRepository, "noteDelivery">;
  readonly world: Pick<World, "now" | "log">;
}): HeardOf {
  const { webhooks, world } = parts;
  const noted = boundedCache<number>(maxNoted);

  return (platform, { about }) => {
    if (about.webhookIds === undefined) return;
    const key = keyOf(platform, about);
    const now = world.now();
    const last = noted.get(key);
    if (last !== undefined && Math.abs(now.getTime() - last) < notedForMs) return;
    noted.set(key, now.getTime());
    webhooks.noteDelivery(platform, about, now).catch((error: unknown) => {
      noted.delete(key);
      world.log.warn({ platform, error: error instanceof Error ? error.name : "unknown" }, "webhook.not_noted");
    });
  };
}

function keyOf(platform: string, { siteHost, externalOrgId, webhookIds }: EventSubject): string {
  return JSON.stringify([platform, siteHost, externalOrgId, webhookIds]);
}
