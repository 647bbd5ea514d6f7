import type { World } from "../../world.ts";
import type { AppRegistrar } from "../model/webhook-registrar.ts";
import type { WebhookRepository } from "../model/webhook-repository.ts";
import { confirmed, unconfirmed } from "./webhook-result.ts";
import { registrationLeaseMs } from "./webhook-times.ts";

/** The webhooks that platforms have for all installations. */
export interface AppWebhooks {
  /** Registers one where it is due; `now` also where it is not. */
  look(platform: string, registrar: AppRegistrar, now: boolean): Promise<void>;
  /** Notes an address that is entered by hand, once. */
  note(platform: string, lacks: string | undefined): Promise<void>;
}

export function createAppWebhooks(parts: {
  readonly webhooks: WebhookRepository;
  readonly addressOf: (platform: string) => string;
  readonly world: World;
}): AppWebhooks {
  const { webhooks, addressOf, world } = parts;
  const noted = new Set<string>();

  return {
    async note(platform, lacks) {
      if (noted.has(platform)) return;
      await webhooks.noteByHand(platform, addressOf(platform), lacks);
      noted.add(platform);
      if (lacks !== undefined) world.log.warn({ platform, code: lacks }, "webhook.off");
    },

    async look(platform, registrar, evenIfNotDue) {
      const id = world.random(16).toString("hex");
      const lease = { id, leaseMs: registrationLeaseMs, now: world.now(), evenIfNotDue };
      const held = await webhooks.takeOfPlatform(platform, lease);
      if (held === undefined) return;
      const url = addressOf(platform);
      const outcome = await registrar.register(url, held.mark);
      const now = world.now();
      if (outcome.kind === "failed") {
        world.log.warn({ platform, code: outcome.code, said: outcome.said }, "webhook.failed");
        await webhooks.finish(held, unconfirmed(held, outcome, { url, now }), now);
        return;
      }
      if (outcome.changed) world.log.info({ platform, url }, "webhook.registered");
      const webhook = { registered: true, url, externalIds: [], error: undefined, expiresAt: undefined };
      await webhooks.finish(held, confirmed(held, { webhook, mark: outcome.mark }, now), now);
    },
  };
}
