import { orAfter } from "../../work/or-after.ts";
import type { World } from "../../world.ts";
import type { WebhookRemoval } from "../installations/revoke-installation.ts";
import type { Installation } from "../model/installation.ts";
import type { Platforms } from "../model/platforms.ts";
import type { RegistrationFailed, SiteRegistrar } from "../model/webhook-registrar.ts";
import type { WebhookRepository } from "../model/webhook-repository.ts";
import type { WithSiteToken } from "../tokens/site-token.ts";

/** A revocation waits for this, twice at most; what is left at the platform then ends by itself. */
const revocationWaitsMs = 3_000;

/** Takes back at the platform what an installation registered, unless others of its site share it. */
export function createWebhookRemoval(parts: {
  readonly webhooks: WebhookRepository;
  readonly platforms: Platforms;
  readonly withSiteToken: WithSiteToken;
  readonly world: World;
}): WebhookRemoval {
  const { webhooks, platforms, withSiteToken, world } = parts;

  /** Undefined where there is nothing to take back. */
  function registeredBy({ platform: name, webhook }: Installation) {
    const platform = platforms.byName(name);
    if (platform?.registrar?.kind !== "site" || webhook === undefined) return undefined;
    return { platform, registrar: platform.registrar, externalIds: webhook.externalIds };
  }

  async function patiently(installation: Installation, work: Promise<{ readonly kind: string }>): Promise<boolean> {
    const { platform, id } = installation;
    const late: RegistrationFailed = { kind: "failed", code: "timeout", passing: true };
    const failed = (error: unknown) => ({ ...late, code: error instanceof Error ? error.name : "unknown" });
    const outcome = await orAfter(revocationWaitsMs, work.catch(failed), () => late);
    if (outcome.kind !== "failed") return true;
    world.log.warn({ platform, installation: id, code: "code" in outcome ? outcome.code : "" }, "webhook.not_removed");
    return false;
  }

  async function idsOfOthers({ platform, externalOrgId, id }: Installation): Promise<ReadonlySet<string>> {
    const all = await webhooks.ofSite(platform, externalOrgId);
    return new Set(all.flatMap((one) => (one.live && one.installationId !== id ? one.externalIds : [])));
  }

  async function removeAt(installation: Installation, registrar: SiteRegistrar, ids: readonly string[]) {
    const shared = await idsOfOthers(installation);
    const externalIds = ids.filter((id) => !shared.has(id));
    const platform = platforms.byName(installation.platform);
    if (externalIds.length === 0 || platform === undefined) return { kind: "removed" };
    const site = installation.externalOrgId;
    return withSiteToken(platform, installation.id, (accessToken) =>
      registrar.remove({ site, accessToken, externalIds }),
    );
  }

  return {
    async prepare(installation) {
      const found = registeredBy(installation);
      if (found === undefined || found.externalIds.length === 0 || installation.status !== "active") return;
      const ready = withSiteToken(found.platform, installation.id, async () => ({ kind: "ready" }));
      await patiently(installation, ready);
    },
    async remove(installation) {
      const found = registeredBy(installation);
      if (found === undefined) return;
      const { registrar, externalIds } = found;
      const removed =
        externalIds.length === 0 || (await patiently(installation, removeAt(installation, registrar, externalIds)));
      await webhooks.end(installation.id, removed ? undefined : "not_removed").catch(() => undefined);
    },
  };
}
