import { and, eq, sql } from "drizzle-orm";
import type { Registration } from "../../domain/model/registration.ts";
import { isLive } from "../conditions.ts";
import type { Database, Queries } from "../database.ts";
import { databaseNow, msAgo } from "../database-clock.ts";
import { credentials, installationCredentials, installations, type StoredQuestion } from "../schema.ts";

/** One look a minute has them all asked within a day. */
const looksADay = 24 * 60;
/** Opened by one statement. */
const partRows = 500;

interface RoutineQuery {
  readonly platform: string;
  readonly registration: Registration;
  readonly olderThanMs: number;
  /** Installations of the platform that have not ended. */
  readonly live: number;
}

/** See QuestionRepository.openRoutine. Of replicas that look at once each opens others. */
export async function openRoutine(database: Database, query: RoutineQuery, newId: () => string): Promise<number> {
  let opened = 0;
  for (let left = Math.ceil(query.live / looksADay); left > 0; left -= partRows) {
    const part = await database.write((db) => openPart(db, query, Math.min(left, partRows), newId));
    opened += part.filter(({ asked }) => asked).length;
    if (part.length < partRows) break;
  }
  return opened;
}

/** What nothing of ours can ask with counts as asked, so that it does not stand before the others. */
async function openPart(
  db: Queries,
  { platform, registration, olderThanMs }: RoutineQuery,
  rows: number,
  newId: () => string,
): Promise<readonly { readonly asked: boolean }[]> {
  const last = sql`coalesce(${installations.askedAt}, ${installations.createdAt})`;
  const own = sql`(${credentials.registration} is null or ${credentials.registration} = ${registration})`;
  const { installationId, credentialId, natural } = installationCredentials;
  const askable = sql<boolean>`exists (
    select from ${installationCredentials} join ${credentials} on ${credentials.id} = ${credentialId}
    where ${installationId} = ${installations.id} and ${natural} and ${own}
  )`;
  const old = db
    .select({ id: installations.id })
    .from(installations)
    .where(
      and(
        eq(installations.platform, platform),
        isLive,
        sql`${installations.askAfter} is null`,
        sql`${last} <= ${msAgo(olderThanMs)}`,
      ),
    )
    .orderBy(last)
    .limit(rows)
    .for("no key update", { skipLocked: true });
  const question: StoredQuestion = { about: "routine", tries: 0, contradicted: false, id: newId() };
  return db
    .update(installations)
    .set({
      question: sql`case when ${askable} then ${JSON.stringify(question)}::jsonb end`,
      askAfter: sql`case when ${askable} then ${databaseNow} end`,
      askedAt: sql`case when ${askable} then ${installations.askedAt} else ${databaseNow} end`,
    })
    .where(sql`${installations.id} = any(array(${old}))`)
    .returning({ asked: sql<boolean>`${installations.askAfter} is not null` });
}
