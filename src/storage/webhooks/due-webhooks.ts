import {
  and,
  arrayContains,
  asc,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  notExists,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { distinctValues } from "../counting/distinct-values.ts";
import type { Queries } from "../database.ts";
import { databaseNow, inMs } from "../database-clock.ts";
import { installations, webhooks } from "../schema.ts";

const { subject, installationId, leaseUntil, dueAt, checkedAt, url: address } = webhooks;

/** Far longer than any lease. */
const horizonMs = 3_600_000;

/**
 * Every replica's own clock may be wrong: leases are measured by the database's alone. Farther away than any, it was
 * set by a clock that jumped: nobody waits for it.
 */
export const isFree = or(isNull(leaseUntil), lte(leaseUntil, databaseNow), gt(leaseUntil, inMs(horizonMs)));

/** Rows that one statement looks at, or changes; the next round has more. */
export const portion = 2_000;
/** Of these the one is taken whose installation has a token. */
const firstDue = 100;
/** The others have no token to ask with, or one for something else. */
function hasToken(product: string) {
  return sql`(${installations.status} = 'active' and ${arrayContains(installations.products, [product])})`;
}

/** By id, whatever they are: so that this takes no longer where there are few of the platform. */
export function nextInstallations(db: Queries, platform: string, product: string, after: string | undefined) {
  const known = db.select({ subject }).from(webhooks).where(eq(installationId, installations.id));
  const missing = sql<boolean>`(${and(eq(installations.platform, platform), hasToken(product), notExists(known))})`;
  return db
    .select({ id: installations.id, missing })
    .from(installations)
    .where(after === undefined ? undefined : gt(installations.id, after))
    .orderBy(asc(installations.id))
    .limit(portion);
}

/** Of the first that are due, so that those without a token are not gone through again and again. */
export function nextDue(db: Queries, platform: string, product: string, now: Date) {
  const first = sql`(select ${subject} from ${webhooks}
    where ${and(eq(webhooks.platform, platform), isNotNull(installationId), lte(dueAt, now), isFree)}
    order by ${dueAt} limit ${firstDue})`;
  return db
    .select({ subject })
    .from(webhooks)
    .innerJoin(installations, eq(installations.id, installationId))
    .where(and(inArray(subject, first), hasToken(product), isFree))
    .orderBy(asc(dueAt))
    .limit(1)
    .for("update", { of: webhooks, skipLocked: true });
}

/** Of the first that are due, what has no token to ask with. */
export function dueWithoutToken(platform: string, product: string, now: Date): SQL {
  return sql`select due.subject from (
      select ${subject} as subject, ${installationId} as installation_id from ${webhooks}
      where ${and(eq(webhooks.platform, platform), isNotNull(installationId), lte(dueAt, now))}
      order by ${dueAt} limit ${portion}
    ) as due join ${installations} on ${installations.id} = due.installation_id
    where not ${hasToken(product)}`;
}

/** What is due first was looked at longest ago. */
export function lookedAtLongestAgo(platform: string, most: number) {
  return sql`select w.subject from ${webhooks} w
    where w.platform = ${platform} and w.installation_id is not null and w.due_at is not null
    order by w.due_at limit ${most}`;
}

/** Registered with another address than this, and not due yet. */
export function elsewhere(platform: string, url: string, now: Date, checkedBefore?: Date) {
  const ofOther = and(
    eq(webhooks.platform, platform),
    sql`${address} = other.value`,
    gt(dueAt, now),
    checkedBefore === undefined ? undefined : lt(checkedAt, checkedBefore),
  );
  return sql`select found.subject
    from (select value from ${distinctValues(address, eq(webhooks.platform, platform))} where value <> ${url}) as other
    cross join lateral (select ${subject} as subject from ${webhooks} where ${ofOther} limit ${portion}) as found
    limit ${portion}`;
}
