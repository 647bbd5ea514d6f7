import { and, arrayOverlaps, eq, isNotNull, isNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import type {
  HeldWebhook,
  WebhookLease,
  WebhookRepository,
  WebhookResult,
} from "../../domain/model/webhook-repository.ts";
import type { Database, Queries } from "../database.ts";
import { inMs } from "../database-clock.ts";
import { installations, webhooks } from "../schema.ts";
import { isUuid } from "../uuid.ts";
import {
  dueWithoutToken,
  elsewhere,
  isFree,
  lookedAtLongestAgo,
  nextDue,
  nextInstallations,
  portion,
} from "./due-webhooks.ts";
import { toWebhook } from "./shown-webhook.ts";

const { subject, installationId, leaseId, dueAt, deliveredAt, url: address } = webhooks;

/** Replicas with two addresses take it from each other no more often than this. */
const otherAddressMs = 600_000;
/** What has no token to ask with is looked at again as late as what is registered. */
const withoutTokenMs = 6 * 3_600_000;

export function createWebhookRepository(database: Database): WebhookRepository {
  const insert = (row: Pick<typeof webhooks.$inferInsert, "subject" | "platform" | "installationId" | "dueAt">) =>
    database.write((db) =>
      db
        .insert(webhooks)
        .values({ ...blank, ...row })
        .onConflictDoNothing(),
    );
  const wake = (wanted: SQL | undefined, now: Date) =>
    database.write((db) =>
      db
        .update(webhooks)
        .set({ dueAt: now })
        .where(and(isNotNull(installationId), isNotNull(dueAt), wanted)),
    );

  return {
    async noteByHand(platform, url, error) {
      const known = { ...blank, url, error: error ?? null, mark: null, dueAt: null };
      await database.write((db) =>
        db
          .insert(webhooks)
          .values({ ...known, subject: platform, platform })
          .onConflictDoUpdate({ target: subject, set: known }),
      );
    },

    async takeOfPlatform(platform, lease) {
      await insert({ subject: platform, platform, dueAt: lease.now });
      const wanted = and(eq(subject, platform), lease.evenIfNotDue ? undefined : lte(dueAt, lease.now));
      return database.write((db) => take(db, wanted, lease));
    },

    async takeOfInstallation(platform, id, lease) {
      if (!isUuid(id)) return undefined;
      await insert({ subject: id, installationId: id, platform, dueAt: lease.now });
      return database.write((db) => take(db, eq(subject, id), lease));
    },

    takeDue: (platform, product, lease) =>
      database.write((db) =>
        take(db, sql`${subject} = any(array(${nextDue(db, platform, product, lease.now)}))`, lease),
      ),

    async wakeMissing(platform, product, now, after) {
      const next = await database.read((db) => nextInstallations(db, platform, product, after));
      const missing = next.filter((row) => row.missing);
      const rows = missing.map(({ id }) => ({ ...blank, subject: id, installationId: id, platform, dueAt: now }));
      if (rows.length > 0) await database.write((db) => db.insert(webhooks).values(rows).onConflictDoNothing());
      return next.length < portion ? undefined : next.at(-1)?.id;
    },

    async wake(platform, url, most, now) {
      await wake(sql`${subject} = any(array(${lookedAtLongestAgo(platform, most)}))`, now);
      await wake(sql`${subject} = any(array(${elsewhere(platform, url, now)}))`, now);
    },

    async wakeElsewhere(platform, url, now) {
      const before = new Date(now.getTime() - otherAddressMs);
      await wake(sql`${subject} = any(array(${elsewhere(platform, url, now, before)}))`, now);
    },

    async putOff(platform, product, now) {
      const later = new Date(now.getTime() + withoutTokenMs);
      const waiting = sql`${subject} = any(array(${dueWithoutToken(platform, product, now)}))`;
      await database.write((db) => db.update(webhooks).set({ dueAt: later }).where(waiting));
    },

    async wakeSharing(id, now) {
      const sharing = sql`${installationId} in (select other.id from ${installations} other join ${installations} one
        using (platform, external_org_id)
        where one.id = ${id} and other.id <> one.id and other.external_user_id is not distinct from one.external_user_id)`;
      await wake(sharing, now);
    },

    async ofSite(platform, site) {
      const rows = await database.read((db) =>
        db
          .select({ id: installations.id, status: installations.status, url: address, ids: webhooks.externalIds })
          .from(webhooks)
          .innerJoin(installations, eq(installations.id, installationId))
          .where(and(eq(installations.platform, platform), eq(installations.externalOrgId, site))),
      );
      return rows.map(({ id, status, url, ids }) => ({
        installationId: id,
        url,
        externalIds: ids,
        live: status !== "revoked",
      }));
    },

    async noteDelivery(platform, { siteHost, externalOrgId, webhookIds = [] }, at) {
      if (siteHost === undefined && externalOrgId === undefined) return;
      const ofSite =
        siteHost === undefined
          ? sql`${installationId} in (select id from ${installations}
              where platform = ${platform} and external_org_id = ${externalOrgId})`
          : eq(webhooks.siteHost, siteHost);
      const isNews = or(isNull(deliveredAt), lt(deliveredAt, at));
      const named = arrayOverlaps(webhooks.externalIds, [...webhookIds]);
      await database.write((db) =>
        db
          .update(webhooks)
          .set({ deliveredAt: at, silentSince: null })
          .where(and(eq(webhooks.platform, platform), ofSite, named, isNews)),
      );
    },

    async finish(held, result, now) {
      const isHeld = and(eq(subject, held.subject), eq(leaseId, held.leaseId));
      const finished = await database.write((db) =>
        db.update(webhooks).set(columnsOf(result, now)).where(isHeld).returning({ subject }),
      );
      return finished.length > 0;
    },

    async end(id, error) {
      const gone = error === undefined ? { externalIds: [], expiresAt: null, siteHost: null } : {};
      const set = { ...gone, error: error ?? null, registered: false, dueAt: null, leaseId: null, leaseUntil: null };
      await database.write((db) =>
        db
          .update(webhooks)
          .set({ ...set, silentSince: null })
          .where(eq(subject, id)),
      );
    },
  };
}

const blank = { registered: false, url: "", externalIds: [], failures: 0 };

/** Of simultaneous ones, one finds it free. */
async function take(
  db: Queries,
  wanted: SQL | undefined,
  { id, leaseMs }: WebhookLease,
): Promise<HeldWebhook | undefined> {
  const [row] = await db
    .update(webhooks)
    .set({ leaseId: id, leaseUntil: inMs(leaseMs) })
    .where(and(wanted, isFree))
    .returning();
  return (
    row && {
      subject: row.subject,
      installationId: row.installationId ?? undefined,
      leaseId: id,
      webhook: toWebhook(row),
      mark: row.mark ?? undefined,
      failures: row.failures,
      registeredSince: row.registeredSince ?? undefined,
      deliveredAt: row.deliveredAt ?? undefined,
      silentSince: row.silentSince ?? undefined,
    }
  );
}

function columnsOf({ webhook, mark, siteHost, registeredSince, silentSince, ...rest }: WebhookResult, now: Date) {
  const { registered, url, externalIds, error, expiresAt } = webhook;
  return {
    ...rest,
    registered,
    url,
    externalIds: [...externalIds],
    error: error ?? null,
    expiresAt: expiresAt ?? null,
    mark: mark ?? null,
    siteHost: siteHost ?? null,
    registeredSince: registeredSince ?? null,
    silentSince: silentSince ?? null,
    checkedAt: now,
    leaseId: null,
    leaseUntil: null,
  };
}
