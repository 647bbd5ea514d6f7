import { and, desc, eq, inArray, isNotNull, isNull, lte, or, sql } from "drizzle-orm";
import type { Registration } from "../../domain/model/registration.ts";
import type { Asked, AskedCredential } from "../../domain/reconciling/question.ts";
import { isLive } from "../conditions.ts";
import { readerColumns, toCredential } from "../credentials/rows.ts";
import type { Queries } from "../database.ts";
import { databaseNow, dueNow, inMs, msAgo } from "../database-clock.ts";
import { toInstallation, viewInstallations } from "../installations/rows.ts";
import { credentials, installationCredentials, installations, type StoredQuestion } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { toQuestion } from "./question-rows.ts";

const isDue = and(lte(installations.askAfter, dueNow), isLive);

/** See QuestionRepository.due. */
export async function platformsDue(db: Queries): Promise<readonly string[]> {
  const rows = await db
    .selectDistinct({ platform: installations.platform })
    .from(installations)
    .where(isDue)
    .prepare("questions_due")
    .execute();
  return rows.map(({ platform }) => platform);
}

interface Taking {
  readonly platform: string;
  readonly limit: number;
  readonly leaseMs: number;
}

/** To be run in a transaction. See QuestionRepository.take. */
export async function takeQuestions(
  tx: Queries,
  { platform, limit, leaseMs }: Taking,
  sealer: Sealer,
): Promise<readonly Asked[]> {
  const due = tx
    .select({ id: installations.id })
    .from(installations)
    .where(and(eq(installations.platform, platform), isDue))
    .orderBy(desc(installations.withheld), installations.askAfter)
    .limit(limit)
    .for("no key update", { skipLocked: true });
  const taken = await tx
    .update(installations)
    .set({
      askAfter: inMs(leaseMs),
      question: sql`jsonb_set(${installations.question}, '{tries}',
        to_jsonb((${installations.question} ->> 'tries')::int + 1))`,
    })
    .where(and(inArray(installations.id, due), isNotNull(installations.question)))
    .returning({ id: installations.id });
  const ids = taken.map(({ id }) => id);
  if (ids.length === 0) return [];
  const rows = await viewInstallations(tx).where(inArray(installations.id, ids));
  const linked = await tx
    .select({
      credential: readerColumns,
      withheld: credentials.withheld,
      natural: installationCredentials.natural,
      installationId: installationCredentials.installationId,
    })
    .from(installationCredentials)
    .innerJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .where(inArray(installationCredentials.installationId, ids))
    .orderBy(desc(installationCredentials.natural), desc(credentials.withheld), credentials.id);
  return rows.flatMap((row): Asked[] => {
    const { question } = row.installation;
    if (question === null) return [];
    const served = linked.filter(({ installationId }) => installationId === row.installation.id);
    const asked = served.map(
      ({ credential, natural, withheld }): AskedCredential => ({
        credential: toCredential(credential, sealer),
        natural,
        withheld,
      }),
    );
    return [{ installation: toInstallation(row), question: toQuestion(question), credentials: asked }];
  });
}

/** One look a minute has them all asked within a day. */
const looksADay = 24 * 60;

/** See QuestionRepository.openRoutine. Of replicas that look at once each opens others. */
export async function openRoutine(
  db: Queries,
  query: { readonly platform: string; readonly registration: Registration; readonly olderThanMs: number },
  newId: () => string,
): Promise<number> {
  const { platform, registration, olderThanMs } = query;
  const last = sql`coalesce(${installations.askedAt}, ${installations.createdAt})`;
  const ofPlatform = and(eq(installations.platform, platform), isLive);
  const share = sql`(select ceil(count(*)::float8 / ${looksADay})::bigint from ${installations} where ${ofPlatform})`;
  const own = or(isNull(credentials.registration), eq(credentials.registration, registration));
  const served = db
    .select({ id: credentials.id })
    .from(installationCredentials)
    .innerJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .where(and(eq(installationCredentials.installationId, installations.id), installationCredentials.natural, own));
  const old = db
    .select({ id: installations.id })
    .from(installations)
    .where(
      and(ofPlatform, isNull(installations.askAfter), sql`${last} <= ${msAgo(olderThanMs)}`, sql`exists (${served})`),
    )
    .orderBy(last)
    // drizzle's type knows numbers, which become parameters; it puts any SQL where it belongs.
    .limit(share as unknown as number)
    .for("no key update", { skipLocked: true });
  const question: Omit<StoredQuestion, "id"> = { about: "routine", tries: 0, contradicted: false };
  const opened = await db
    .update(installations)
    .set({
      question: sql`${JSON.stringify({ ...question, id: newId() })}::jsonb`,
      askAfter: databaseNow,
    })
    .where(inArray(installations.id, old))
    .returning({ id: installations.id });
  return opened.length;
}
