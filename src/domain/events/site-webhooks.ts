import type { World } from "../../world.ts";
import type { WebhookRemoval } from "../installations/revoke-installation.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platform } from "../model/platform.ts";
import type { SiteRegistrar, SiteWebhookOutcome } from "../model/webhook-registrar.ts";
import type { HeldWebhook, WebhookRepository } from "../model/webhook-repository.ts";
import type { WithSiteToken } from "./site-token.ts";
import { confirmed, unconfirmed } from "./webhook-result.ts";
import { registrationLeaseMs, renewMs } from "./webhook-times.ts";

/** Sites of one platform that are asked at once. */
const concurrency = 4;
/** A round takes nothing up after this long. */
const roundMs = 30_000;
/** So many are looked at when a process starts, whatever they were said to be. */
const mostAtStart = 200;

/** The webhooks that installations have of their own. */
export interface SiteWebhooks {
  /** One round: registers, renews or checks those that are due, a few at a time. */
  keep(platform: Platform, registrar: SiteRegistrar): Promise<void>;
  /** The same, with those that were not looked at for the longest time. */
  begin(platform: Platform, registrar: SiteRegistrar): Promise<void>;
  /** One of them, due or not. */
  register(platform: Platform, registrar: SiteRegistrar, installation: Installation): Promise<void>;
}

export function createSiteWebhooks(parts: {
  readonly webhooks: WebhookRepository;
  readonly installations: InstallationRepository;
  readonly withSiteToken: WithSiteToken;
  readonly removal: WebhookRemoval;
  readonly addressOf: (platform: string) => string;
  readonly world: World;
}): SiteWebhooks {
  const { webhooks, installations, withSiteToken, removal, addressOf, world } = parts;

  const lease = () => ({ id: world.random(16).toString("hex"), leaseMs: registrationLeaseMs, now: world.now() });

  async function look(
    platform: Platform,
    registrar: SiteRegistrar,
    held: HeldWebhook,
    installation: Installation,
  ): Promise<void> {
    const { id, externalOrgId: site } = installation;
    const url = addressOf(platform.name);
    const siteHost = registrar.hostOf(installation);
    const outcome = await ask(platform, registrar, { id, site, url });
    const now = world.now();
    const where = { platform: platform.name, installation: id };
    if (outcome.kind !== "registered") {
      const { code, said } = outcome;
      world.log.warn({ ...where, code, said }, "webhook.failed");
      await webhooks.finish(held, unconfirmed(held, outcome, { url, siteHost, now }), now);
      return;
    }
    const { externalIds, expiresAt, changed } = outcome;
    const webhook = { registered: true, url, externalIds, error: undefined, expiresAt };
    const result = confirmed(held, { webhook, siteHost }, now);
    const stored = await webhooks.finish(held, result, now);
    if (result.silentSince !== undefined && held.silentSince === undefined) {
      world.log.warn(
        { ...where, deliveredAt: held.deliveredAt, registeredSince: held.registeredSince },
        "webhook.silent",
      );
    }
    if (!changed) return;
    world.log.info({ ...where, webhooks: externalIds, expiresAt }, "webhook.registered");
    await webhooks.wakeSite(platform.name, site, id, now);
    const ended = stored ? undefined : await installations.find(id);
    // Revoked meanwhile: whoever did so knew of nothing to take back.
    if (ended?.status === "revoked") await removal.remove({ ...ended, webhook });
  }

  async function ask(
    platform: Platform,
    registrar: SiteRegistrar,
    { id, site, url }: { readonly id: string; readonly site: string; readonly url: string },
  ) {
    const others = await webhooks.ofSite(platform.name, site);
    const known = new Map(others.flatMap((other) => other.externalIds.map((one) => [one, other.url] as const)));
    const renewBefore = new Date(world.now().getTime() + renewMs);
    return withSiteToken<SiteWebhookOutcome>(platform, id, (accessToken) =>
      registrar.register({ site, accessToken, url, known, renewBefore }),
    );
  }

  async function keep(platform: Platform, registrar: SiteRegistrar): Promise<void> {
    const url = addressOf(platform.name);
    await webhooks.wakeMissing(platform.name, registrar.product, world.now());
    const stopAt = performance.now() + roundMs;
    const work = async () => {
      while (performance.now() < stopAt && platform.leftAlone?.() !== true) {
        const held = await webhooks.takeDue(platform.name, url, lease());
        if (held?.installationId === undefined) return;
        const installation = await installations.find(held.installationId);
        if (installation !== undefined) await look(platform, registrar, held, installation);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  return {
    keep,
    async begin(platform, registrar) {
      await webhooks.wake(platform.name, addressOf(platform.name), mostAtStart, world.now());
      await keep(platform, registrar);
    },
    async register(platform, registrar, installation) {
      if (!installation.products.includes(registrar.product) || installation.status !== "active") return;
      const held = await webhooks.takeOfInstallation(platform.name, installation.id, lease());
      if (held !== undefined) await look(platform, registrar, held, installation);
    },
  };
}
