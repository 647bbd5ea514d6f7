import { and, eq, exists, gte, inArray, isNull, lte, or, sql } from "drizzle-orm";
import type { DueCredential, DueQuery } from "../../domain/model/credential-repository.ts";
import type { Database, Queries } from "../database.ts";
import { createPortion } from "../portion.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isFree } from "./lease.ts";
import { readerColumns, toCredential } from "./rows.ts";

/** After so many refusals, about a day of them, only a caller's call looks whether it came back. */
const lastVisit = 36;
/** So many that are due are looked at by one statement, and as many that have failed: few until it is known to be quick. */
const looked = { first: 100, most: 1_000, aimMs: 250 };
/** Of what has not failed so many that wait for longest: what is at rest has its turn, whatever comes due after it. */
const longestWaiting = 50;
/** What nobody wants leaves the queue in statements of a round until there were so many, or for so long. */
const mostPassedOver = 1_000;
const passOverMs = 500;
/** What another client was given, or only others have the key of, is looked at again after so long. */
const foreignMs = 600_000;

interface OwnQuery extends DueQuery {
  /** Ids of the keys that open what is sealed. */
  readonly keys: readonly string[];
}

const { id, platform: ofPlatform, status, kind, failures, owner, expiresAt, refreshAfter, refreshedAt } = credentials;
const { lookAfter, registration: givenTo, keyId } = credentials;

/** In the words of the index, for what is kept is long and what is due is little. */
const isLookedAt = sql`${kind} <> 'long_lived'
  and (${status} = 'active' or (${status} = 'dead' and ${kind} = 'app_installation' and ${failures} < ${sql.raw(String(lastVisit))}))`;
const isFailing = sql`(${failures} > 0)`;
const nextLook = sql`coalesce(${lookAfter}, ${refreshAfter})`;

/** See CredentialRepository.due. What nobody wants leaves the queue first, so that it never stands before what is due. */
export function createDueCredentials(
  database: Database,
  sealer: Sealer,
): (query: DueQuery) => Promise<readonly DueCredential[]> {
  const rows = createPortion(looked);

  async function timed<T>(work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    let tookMs = Number.POSITIVE_INFINITY;
    try {
      const result = await work();
      tookMs = performance.now() - startedAt;
      return result;
    } finally {
      rows.took(tookMs);
    }
  }

  async function makeRoom(query: OwnQuery): Promise<void> {
    const until = performance.now() + passOverMs;
    let all = 0;
    do {
      const passed = await timed(() => database.write((db) => passOver(db, query, rows.size)));
      if (passed === 0) return;
      all += passed;
    } while (all < mostPassedOver && performance.now() < until);
  }

  return async (query) => {
    const own = { ...query, keys: sealer.keyIds };
    await makeRoom(own);
    const due = await timed(() => database.read((db) => readDue(db, own, Math.max(rows.size, query.limit))));
    return due.map(({ owner, ...row }) => ({ credential: toCredential(row, sealer), owner: owner ?? undefined }));
  };
}

/**
 * The next of the queue, a bounded number: of what has not failed those that came due last, since only these may have
 * been used since, and a few that wait for longest; of the others those that wait for longest, so that each has its turn.
 */
function inWindow({ platform, now }: DueQuery, rows: number) {
  // `is`, not `=`: the planner turns "not failing" by `=` into what the index does not have, and reads and sorts all that is due.
  const next = (failing: boolean, order: "asc" | "desc", most: number) => sql`(select ${id} from ${credentials}
    where ${ofPlatform} = ${platform} and ${isFailing} is ${sql.raw(String(failing))} and ${isLookedAt}
      and ${nextLook} <= ${now.toISOString()}::timestamptz and ${isFree}
    order by ${nextLook} ${sql.raw(order)} limit ${sql.raw(String(most))})`;
  return inArray(
    id,
    sql`(select id from ${next(false, "desc", rows)} as fine
      union select id from ${next(false, "asc", Math.min(rows, longestWaiting))} as longest
      union all select id from ${next(true, "asc", rows)} as failing)`,
  );
}

/** Whether somebody would miss it: used lately, at rest for too long, or perhaps back again; and ours to refresh. */
function isWanted(db: Queries, query: OwnQuery) {
  const { now, rotatingUsedSince, mintedUsedSince, refreshedBefore } = query;
  const usedSince = sql`case when ${kind} = 'rotating'
    then ${rotatingUsedSince.toISOString()}::timestamptz else ${mintedUsedSince.toISOString()}::timestamptz end`;
  const used = exists(
    db
      .select({ id: installations.id })
      .from(installationCredentials)
      .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
      .where(
        and(
          eq(installationCredentials.credentialId, id),
          eq(installations.status, "active"),
          gte(installations.lastUsedAt, usedSince),
        ),
      ),
  );
  const atRest =
    refreshedBefore === undefined ? sql`false` : sql`(${kind} = 'rotating' and ${lte(refreshedAt, refreshedBefore)})`;
  const due = sql`(${lte(refreshAfter, now)} and ${used})`;
  return sql`coalesce(${isOwn(query)} and (${status} = 'dead' or ${atRest} or ${due}), false)`;
}

/** What needs no secret can be had again, whatever it is sealed with. */
function isOwn({ registration, keys }: OwnQuery) {
  const isReadable = or(isNull(keyId), inArray(keyId, [...keys]), eq(kind, "app_installation"));
  return sql`((${givenTo} is null or ${eq(givenTo, registration)}) and ${isReadable})`;
}

/**
 * Until it has been at rest for too long, or for good: whoever uses it has it refreshed, and so puts it back. Returns how
 * many there were.
 */
async function passOver(db: Queries, query: OwnQuery, rows: number): Promise<number> {
  const { now, refreshedBefore } = query;
  const restMs = refreshedBefore === undefined ? undefined : now.getTime() - refreshedBefore.getTime();
  const rested = sql`case when ${kind} = 'rotating'
    then ${refreshedAt} + ${restMs ?? null}::float8 * interval '1 millisecond' end`;
  const never = sql`'9999-01-01'::timestamptz`;
  const foreign = new Date(now.getTime() + foreignMs).toISOString();
  const unwanted = db
    .select({ id })
    .from(credentials)
    .where(and(inWindow(query, rows), sql`not ${isWanted(db, query)}`))
    .for("update", { skipLocked: true });
  const passed = await db
    .update(credentials)
    .set({
      lookAfter: sql`case when ${isOwn(query)}
        then greatest(coalesce(${rested}, ${never}), ${refreshAfter}) else ${foreign}::timestamptz end`,
    })
    // As an array it is read once: joined, it might be read again, and lock more than it names.
    .where(sql`${id} = any(array(${unwanted}))`)
    .returning({ id });
  return passed.length;
}

function readDue(db: Queries, query: OwnQuery, rows: number) {
  const end = sql`${expiresAt} nulls first`;
  const turn = sql`row_number() over (partition by ${isFailing}, ${owner} order by ${end})`;
  return db
    .select({ ...readerColumns, owner })
    .from(credentials)
    .where(and(inWindow(query, rows), isWanted(db, query)))
    .orderBy(sql`${status} = 'dead'`, isFailing, turn, end)
    .limit(query.limit);
}
