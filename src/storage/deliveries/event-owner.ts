import { and, desc, eq, exists, ne, sql } from "drizzle-orm";
import type { EventOwner } from "../../domain/deliveries/delivery-repository.ts";
import type { EventSubject } from "../../domain/model/platform-event.ts";
import type { Queries } from "../database.ts";
import { installations, webhooks } from "../schema.ts";

/** See DeliveryRepository.whose. Of several that have ended it is the last one's. */
export async function findEventOwner(
  db: Queries,
  platform: string,
  { orExternalOrgId, ...about }: EventSubject,
): Promise<EventOwner | undefined> {
  const { externalInstallId, externalOrgId, webhookIds, siteHost } = about;
  const byWebhook = webhookIds !== undefined && webhookIds.length > 0 && siteHost !== undefined;
  if (externalInstallId === undefined && externalOrgId === undefined && !byWebhook) return undefined;
  const ofWebhook = db
    .select({ subject: webhooks.subject })
    .from(webhooks)
    .where(
      and(
        eq(webhooks.installationId, installations.id),
        eq(webhooks.siteHost, siteHost ?? ""),
        sql`${webhooks.externalIds} && ${sql.param([...(webhookIds ?? [])], webhooks.externalIds)}`,
      ),
    );
  const isEnded = sql<boolean>`${installations.status} = 'revoked'`;
  const found = await db
    .select({
      id: installations.id,
      owner: installations.owner,
      externalOrgId: installations.externalOrgId,
      externalInstallId: installations.externalInstallId,
      isEnded,
    })
    .from(installations)
    .where(
      and(
        eq(installations.platform, platform),
        ne(installations.status, "pending"),
        externalInstallId === undefined ? undefined : eq(installations.externalInstallId, externalInstallId),
        externalOrgId === undefined ? undefined : eq(installations.externalOrgId, externalOrgId),
        byWebhook ? exists(ofWebhook) : undefined,
      ),
    )
    .orderBy(isEnded, desc(installations.createdAt))
    .limit(2);
  if (found.length === 0 && orExternalOrgId !== undefined) {
    return findEventOwner(db, platform, { ...about, externalOrgId: orExternalOrgId });
  }
  const [first, second] = found;
  if (first === undefined || (!first.isEnded && second?.isEnded === false)) return undefined;
  const { id, owner, externalOrgId: org, externalInstallId: install } = first;
  return { id, owner: owner ?? undefined, externalOrgId: org, externalInstallId: install ?? undefined };
}
