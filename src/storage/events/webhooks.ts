import { and, eq, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type {
  HeldWebhook,
  WebhookLease,
  WebhookRepository,
  WebhookResult,
} from "../../domain/model/webhook-repository.ts";
import type { Database, Queries } from "../database.ts";
import { webhooks } from "../schema.ts";
import { toWebhook } from "./shown-webhook.ts";

const { subject, leaseId, leaseUntil, dueAt, failures } = webhooks;

/** Every replica's own clock may be wrong: leases are measured by the database's alone. */
const databaseNow = sql`clock_timestamp()`;
const isFree = or(isNull(leaseUntil), lte(leaseUntil, databaseNow));

export function createWebhookRepository(database: Database): WebhookRepository {
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
      const row = { ...blank, subject: platform, platform, dueAt: lease.now };
      await database.write((db) => db.insert(webhooks).values(row).onConflictDoNothing());
      const wanted = and(eq(subject, platform), lease.evenIfNotDue ? undefined : lte(dueAt, lease.now));
      const [held] = await database.write((db) => take(db, wanted, lease));
      return held;
    },

    async finish(held, result, now) {
      const isHeld = and(eq(subject, held.subject), eq(leaseId, held.leaseId));
      const finished = await database.write((db) =>
        db.update(webhooks).set(columnsOf(result, now)).where(isHeld).returning({ subject }),
      );
      return finished.length > 0;
    },
  };
}

const blank = { registered: false, url: "", externalIds: [], failures: 0 };

/** Of simultaneous ones, one finds it free. */
async function take(db: Queries, wanted: SQL | undefined, lease: WebhookLease): Promise<readonly HeldWebhook[]> {
  const rows = await db
    .update(webhooks)
    .set({ leaseId: lease.id, leaseUntil: sql`${databaseNow} + ${lease.leaseMs}::float8 * interval '1 millisecond'` })
    .where(and(wanted, isFree))
    .returning();
  return rows.map((row) => ({
    subject: row.subject,
    leaseId: lease.id,
    webhook: toWebhook(row),
    mark: row.mark ?? undefined,
    failures: row.failures,
  }));
}

function columnsOf({ webhook, mark, dueAt: nextLook }: WebhookResult, now: Date) {
  const { registered, url, externalIds, error, expiresAt } = webhook;
  return {
    registered,
    url,
    externalIds: [...externalIds],
    error: error ?? null,
    expiresAt: expiresAt ?? null,
    mark: mark ?? null,
    dueAt: nextLook,
    checkedAt: now,
    failures: error === undefined ? 0 : sql`${failures} + 1`,
    leaseId: null,
    leaseUntil: null,
  };
}
