import type { World } from "../../world.ts";
import type { Platform } from "../model/platform.ts";
import type { AppWebhookOutcome } from "../model/webhook-registrar.ts";
import type { HeldWebhook, WebhookRepository } from "../model/webhook-repository.ts";
import { nextLookMs, registrationLeaseMs } from "./webhook-times.ts";

/** The webhooks that platforms have for all installations. */
export interface AppWebhooks {
  /** Registers it where it is due; `now` also where it is not. Where it is entered by hand, notes the address once. */
  look(platform: Platform, now: boolean): Promise<void>;
}

export function createAppWebhooks(parts: {
  readonly webhooks: WebhookRepository;
  readonly addressOf: (platform: string) => string;
  readonly world: World;
}): AppWebhooks {
  const { webhooks, addressOf, world } = parts;
  const noted = new Set<string>();

  async function note(platform: string, lacks: string | undefined): Promise<void> {
    if (noted.has(platform)) return;
    await webhooks.noteByHand(platform, addressOf(platform), lacks);
    noted.add(platform);
    if (lacks !== undefined) world.log.warn({ platform, code: lacks }, "webhook.off");
  }

  async function store(held: HeldWebhook, url: string, outcome: AppWebhookOutcome): Promise<void> {
    const now = world.now();
    const registered = outcome.kind === "registered";
    const error = outcome.kind === "failed" ? outcome.code : undefined;
    const webhook = { registered, url, externalIds: [], error, expiresAt: undefined };
    const mark = outcome.kind === "registered" ? outcome.mark : undefined;
    const dueAt = new Date(now.getTime() + nextLookMs(outcome, held.failures));
    await webhooks.finish(held, { webhook, mark, dueAt }, now);
  }

  return {
    async look({ name, registrar }, evenIfNotDue) {
      if (registrar?.kind === "by_hand") return note(name, registrar.lacks);
      if (registrar?.kind !== "app") return;
      const id = world.random(16).toString("hex");
      const lease = { id, leaseMs: registrationLeaseMs, now: world.now(), evenIfNotDue };
      const held = await webhooks.takeOfPlatform(name, lease);
      if (held === undefined) return;
      const url = addressOf(name);
      const outcome = await registrar.register(url, held.mark);
      await store(held, url, outcome);
      if (outcome.kind === "failed") {
        world.log.warn({ platform: name, code: outcome.code, said: outcome.said }, "webhook.failed");
      } else if (outcome.changed) world.log.info({ platform: name, url }, "webhook.registered");
    },
  };
}
