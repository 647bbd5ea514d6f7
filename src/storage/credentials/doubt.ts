import { and, eq, gt, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import type { Lease, ServedInstallation } from "../../domain/model/credential-repository.ts";
import { confirmationMs, type Doubts, type Verdicts, verdictWindowMs } from "../../domain/model/doubt.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations, meta } from "../schema.ts";
import { isHeld, noAttempt } from "./lease.ts";
import { lockServed, named, namedColumns } from "./status.ts";

/** So many answers of each kind are looked at: an incident shows in the latest. */
const mostVerdicts = 200;
const { calledDeadAt, doubtedSince, provenAt, platform: ofPlatform } = credentials;

/**
 * See CredentialRepository.noteCalledDead. Marked before it is counted, so that of simultaneous ones the third sees three.
 * The same again is no news until half of the time is over for which it counts: asking often does not make it the latest.
 */
export async function markCalledDead(db: Queries, lease: Lease, now: Date): Promise<void> {
  const anew = new Date(now.getTime() - verdictWindowMs / 2).toISOString();
  const isKnown = sql`${calledDeadAt} > greatest(${provenAt}, ${anew}::timestamptz)`;
  await db
    .update(credentials)
    .set({ calledDeadAt: sql`case when ${isKnown} then ${calledDeadAt} else ${now.toISOString()}::timestamptz end` })
    .where(isHeld({ id: lease.credential.id, attemptId: lease.attemptId }));
}

export async function readVerdicts(
  db: Queries,
  lease: Lease,
  holder: "organization" | "person",
  now: Date,
): Promise<Verdicts> {
  const { id, platform } = lease.credential;
  const since = new Date(now.getTime() - verdictWindowMs).toISOString();
  // An organization's subjects name it first: whoever removes the app there ends all of them at once.
  const grant = holder === "person" ? sql`subject` : sql`split_part(subject, ':', 1)`;
  const latest = (at: typeof provenAt, dead: boolean) => sql`(
    select ${grant} as subject, ${at} as at, ${sql.raw(String(dead))} as dead from ${credentials}
    where ${ofPlatform} = ${platform} and ${at} > ${since}::timestamptz order by ${at} desc limit ${mostVerdicts})`;
  const [row] = await db
    .select({
      calledDead: sql<boolean[] | null>`(
        select json_agg(dead order by at desc) from (
          select distinct on (subject) subject, at, dead
          from (${latest(calledDeadAt, true)} union all ${latest(provenAt, false)}) as verdicts
          order by subject, at desc
        ) as by_grant)`,
      confirmedUntil: sql<
        string | null
      >`(select ${meta.value} from ${meta} where ${meta.key} = ${confirmedKey(platform)})`,
      doubtedSince,
    })
    .from(credentials)
    .where(eq(credentials.id, id));
  const until = row?.confirmedUntil == null ? undefined : new Date(row.confirmedUntil);
  return {
    calledDead: row?.calledDead ?? [],
    doubtedSince: row?.doubtedSince ?? undefined,
    confirmed: until !== undefined && until.getTime() > now.getTime(),
  };
}

/** See CredentialRepository.reviveCalledDead. */
export async function reviveCalledDead(
  tx: Queries,
  platform: string,
  now: Date,
): Promise<readonly ServedInstallation[]> {
  const since = new Date(now.getTime() - verdictWindowMs);
  const revived = await tx
    .update(credentials)
    .set({
      status: "active",
      leaseUntil: null,
      doubtedSince: now,
      lastError: sql`'doubted:' || ${credentials.lastError}`,
    })
    .where(
      and(
        eq(ofPlatform, platform),
        eq(credentials.status, "dead"),
        isNull(doubtedSince),
        gt(calledDeadAt, since),
        // Its end was told by an event, too.
        eq(credentials.withheld, false),
      ),
    )
    .returning({ id: credentials.id });
  return changeServed(tx, revived, { from: "reauthorization_required", to: "active" }, now);
}

/** See CredentialRepository.doubts. */
export async function readDoubts(db: Queries): Promise<readonly Doubts[]> {
  const rows = await db
    .select({
      platform: ofPlatform,
      doubted: sql`count(*)::int`.mapWith(Number),
      since: sql`min(${doubtedSince})`.mapWith(doubtedSince),
    })
    .from(credentials)
    .where(isDoubted)
    .groupBy(ofPlatform)
    .orderBy(ofPlatform);
  return rows.map(({ since, ...row }) => ({ ...row, since: since ?? undefined }));
}

/** See CredentialRepository.confirmDeaths. */
export async function confirmDeaths(tx: Queries, platform: string, now: Date): Promise<readonly ServedInstallation[]> {
  const value = new Date(now.getTime() + confirmationMs).toISOString();
  await tx
    .insert(meta)
    .values({ key: confirmedKey(platform), value })
    .onConflictDoUpdate({ target: meta.key, set: { value } });
  const condemned = await tx
    .update(credentials)
    .set({
      ...noAttempt,
      status: "dead",
      lastError: sql`regexp_replace(${credentials.lastError}, '^doubted:', '')`,
    })
    .where(and(eq(ofPlatform, platform), isDoubted))
    .returning({ id: credentials.id });
  return changeServed(tx, condemned, { from: "active", to: "reauthorization_required" }, now);
}

const isDoubted = and(eq(credentials.status, "active"), isNotNull(doubtedSince));

function confirmedKey(platform: string): string {
  return `deaths_confirmed_until:${platform}`;
}

async function changeServed(
  tx: Queries,
  changed: readonly { readonly id: string }[],
  { from, to }: Record<"from" | "to", "active" | "reauthorization_required">,
  now: Date,
): Promise<readonly ServedInstallation[]> {
  if (changed.length === 0) return [];
  const ids = changed.map(({ id }) => id);
  const served = lockServed(
    tx,
    inArray(installationCredentials.credentialId, ids),
    installationCredentials.natural,
    eq(installations.status, from),
  );
  const rows = await tx
    .update(installations)
    .set({ status: to, updatedAt: now })
    .where(inArray(installations.id, served))
    .returning(namedColumns);
  return rows.map(named);
}
