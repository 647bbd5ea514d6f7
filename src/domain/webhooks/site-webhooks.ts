import type { World } from "../../world.ts";
import type { WebhookRemoval } from "../installations/revoke-installation.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platform } from "../model/platform.ts";
import type { RegistrationFailed, SiteRegistrar, SiteWebhookOutcome } from "../model/webhook-registrar.ts";
import type { HeldWebhook, WebhookRepository } from "../model/webhook-repository.ts";
import type { WithSiteToken } from "../tokens/site-token.ts";
import { confirmed, unconfirmed } from "./webhook-result.ts";
import { registrationLeaseMs, renewMs } from "./webhook-times.ts";

/** Sites of one platform that are asked at once. */
const concurrency = 4;
/** A round takes nothing up after this long. */
const roundMs = 30_000;
/** Of all installations, a few thousand each, that are gone through in a round. */
const mostParts = 50;
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

  /** By platform, up to which installation it was looked for what was never tried. */
  const lookedThrough = new Map<string, string>();
  const lease = () => ({ id: world.random(16).toString("hex"), leaseMs: registrationLeaseMs, now: world.now() });

  /** False: the platform is to be left alone for now. What goes wrong with one keeps no other waiting. */
  async function look(
    platform: Platform,
    registrar: SiteRegistrar,
    held: HeldWebhook,
    installation: Installation,
  ): Promise<boolean> {
    const { id, externalOrgId: site } = installation;
    const url = addressOf(platform.name);
    const siteHost = registrar.hostOf(installation);
    const outcome = await ask(platform, registrar, { id, site, url }).catch((error: unknown): RegistrationFailed => {
      world.log.warn({ installation: id, error: error instanceof Error ? error.name : "" }, "webhook.not_looked_at");
      return { kind: "failed", code: "internal_error", passing: true };
    });
    const now = world.now();
    const where = { platform: platform.name, installation: id };
    if (outcome.kind !== "registered") {
      world.log.warn({ ...where, code: outcome.code, said: outcome.said }, "webhook.failed");
      await webhooks.finish(held, unconfirmed(held, outcome, { url, siteHost, now }), now);
      return outcome.code !== "rate_limited";
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
    if (changed) world.log.info({ ...where, webhooks: externalIds, expiresAt }, "webhook.registered");
    if (changed || externalIds.join() !== held.webhook.externalIds.join()) await webhooks.wakeSharing(id, now);
    const ended = stored ? undefined : await installations.find(id);
    // Revoked meanwhile: whoever did so knew of nothing to take back.
    if (ended?.status === "revoked") await removal.remove({ ...ended, webhook });
    return true;
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

  /** All of them, or of very many a part in each round. */
  async function wakeMissing(platform: string, { product }: SiteRegistrar): Promise<void> {
    for (let part = 0; part < mostParts; part++) {
      const after = await webhooks.wakeMissing(platform, product, world.now(), lookedThrough.get(platform));
      if (after === undefined) return void lookedThrough.delete(platform);
      lookedThrough.set(platform, after);
    }
  }

  async function keep(platform: Platform, registrar: SiteRegistrar): Promise<void> {
    const { name } = platform;
    await wakeMissing(name, registrar);
    await webhooks.wakeElsewhere(name, addressOf(name), world.now());
    await webhooks.putOff(name, registrar.product, world.now());
    const stopAt = performance.now() + roundMs;
    let goesOn = true;
    let failure: unknown;
    const workers: Promise<void>[] = [];
    const callWorker = () =>
      workers.push(
        work().catch((error: unknown) => {
          goesOn = false;
          failure ??= error;
        }),
      );
    /** Who finds something calls another one, so that a round in which nothing is due asks once. */
    async function work(): Promise<void> {
      while (goesOn && performance.now() < stopAt && platform.leftAlone?.() !== true) {
        const held = await webhooks.takeDue(name, registrar.product, lease());
        if (held?.installationId === undefined) return;
        if (workers.length < concurrency) callWorker();
        const installation = await installations.find(held.installationId);
        if (installation !== undefined && !(await look(platform, registrar, held, installation))) goesOn = false;
      }
    }
    callWorker();
    for (const worker of workers) await worker;
    if (failure !== undefined) throw failure;
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
