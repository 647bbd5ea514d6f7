import { and, type Column, eq, isNull, or, sql } from "drizzle-orm";
import type { Lease, RecordedFailure } from "../../domain/model/credential-repository.ts";
import type { Registration } from "../../domain/model/registration.ts";
import type { Queries } from "../database.ts";
import { databaseNow, inMs } from "../database-clock.ts";
import { credentials } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { ifReadable, open, readerColumns, toCredential } from "./rows.ts";

/** The longest back-off, and with the longest lease added the farthest that `lease_until` may truly be. */
const maxBackoffMs = 3_600_000;
const horizonMs = maxBackoffMs + 60_000;

const { leaseUntil, attemptId: holder, attemptAt, openAttemptAt } = credentials;

/** Every replica's own clock may be wrong: leases are measured by the database's alone. */
/** Farther away than any lease, it was set by a clock that jumped: nobody waits for it. */
export const isFree = sql`(${leaseUntil} is null or ${leaseUntil} <= ${databaseNow} or ${leaseUntil} > ${inMs(horizonMs)})`;

/** Milliseconds until the lease or the back-off ends; 0 if free. */
export const leaseRemainingMs = sql`
  case when ${isFree} then 0 else ceil(extract(epoch from ${leaseUntil} - ${databaseNow}) * 1000)::float8 end
`.mapWith(Number);

/** What needs no secret has nothing to lose by being asked about once more. */
const mayBeAsked = or(
  eq(credentials.status, "active"),
  and(eq(credentials.status, "dead"), eq(credentials.kind, "app_installation")),
);

interface Acquisition {
  readonly id: string;
  readonly version: number;
  readonly attemptId: string;
  readonly leaseMs: number;
  readonly registration: Registration | undefined;
}

/** See CredentialRepository.acquire. One statement; of simultaneous ones, one finds the lease free. */
export async function acquireLease(
  db: Queries,
  { id, version, attemptId, leaseMs, registration }: Acquisition,
  now: Date,
  sealer: Sealer,
): Promise<Lease | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await db
    .update(credentials)
    .set({
      attemptId,
      attemptAt: now,
      leaseUntil: inMs(leaseMs),
      // An earlier holder that never reported leaves its mark; these are the values before this statement.
      openAttemptAt: sql`coalesce(${openAttemptAt}, ${attemptAt})`,
    })
    .where(and(eq(credentials.id, id), eq(credentials.version, version), mayBeAsked, isFree))
    .returning({
      ...readerColumns,
      refreshToken: credentials.refreshToken,
      previousRefreshToken: credentials.previousRefreshToken,
      previousSpentAt: credentials.previousSpentAt,
      spareRefreshToken: credentials.spareRefreshToken,
      openAttemptAt,
    })
    .prepare("acquire_lease")
    .execute();
  if (row === undefined) return undefined;
  const credential = toCredential(row, sealer);
  const held = { id, attemptId };
  const { previousRefreshToken: previous, spareRefreshToken: spare } = row;
  try {
    return {
      credential,
      attemptId,
      refreshToken: open(sealer, id, "refreshToken", row.refreshToken),
      previousRefreshToken: ifReadable(() => open(sealer, id, "previousRefreshToken", previous)),
      previousSpentAt: row.previousSpentAt ?? undefined,
      spareRefreshToken: ifReadable(() => open(sealer, id, "spareRefreshToken", spare)),
      openAttemptAt: row.openAttemptAt ?? undefined,
      registration,
    };
  } catch (error) {
    await abandonLease(db, held);
    throw error;
  }
}

/** Which attempt at which credential. */
export interface Held {
  readonly id: string;
  readonly attemptId: string;
}

/** See CredentialRepository.release. */
export async function releaseLease(db: Queries, held: Held, failure: RecordedFailure, now: Date): Promise<void> {
  const backoffMs = Math.min(Math.max(failure.backoffMs, 0), maxBackoffMs);
  const { failingSince, doubtedSince } = credentials;
  await db
    .update(credentials)
    .set({
      ...noAttempt,
      leaseUntil: inMs(backoffMs),
      lookAfter: new Date(now.getTime() + backoffMs),
      failures: sql`${credentials.failures} + 1`,
      lastError: failure.error,
      failingSince: firstOf(failingSince, now),
      ...(failure.doubted === true ? { doubtedSince: firstOf(doubtedSince, now) } : {}),
      ...(failure.unclear ? { openAttemptAt: sql`coalesce(${openAttemptAt}, ${attemptAt})` } : {}),
    })
    .where(isHeld(held));
}

function firstOf(column: Column, now: Date) {
  return sql`coalesce(${column}, ${now.toISOString()}::timestamptz)`;
}

/** See CredentialRepository.confirm. */
export async function confirmLease(
  db: Queries,
  held: Held,
  registration: Registration | undefined,
  now: Date,
): Promise<void> {
  await db
    .update(credentials)
    .set({ ...noAttempt, ...accepted(registration), ...proven(now), openAttemptAt: null })
    .where(isHeld(held));
}

/** See CredentialRepository.noteUnleased. */
export async function noteUnleased(db: Queries, id: string, refusal: string | undefined, now: Date): Promise<void> {
  const resting = and(eq(credentials.id, id), eq(credentials.status, "active"), isNull(holder));
  if (refusal === undefined) {
    await db
      .update(credentials)
      .set({ ...noAttempt, ...proven(now) })
      .where(resting);
  } else {
    const isFine = eq(credentials.failures, 0);
    await db.update(credentials).set({ lastError: refusal }).where(and(resting, isFine));
  }
}

/** See CredentialRepository.abandon. */
export async function abandonLease(db: Queries, held: Held): Promise<void> {
  await db.update(credentials).set(noAttempt).where(isHeld(held));
}

/** A success: whatever was wrong before is over. */
export function proven(now: Date) {
  return { failures: 0, lastError: null, failingSince: null, doubtedSince: null, provenAt: now };
}

/** What ends an attempt, however it went. */
export const noAttempt = { attemptId: null, attemptAt: null, leaseUntil: null };

/** The platform has accepted it from this client: it is this client's. */
export function accepted(registration: Registration | undefined) {
  return registration === undefined ? {} : { registration, refusedBy: null };
}

export function isHeld({ id, attemptId }: Held) {
  return and(eq(credentials.id, id), eq(holder, attemptId));
}
