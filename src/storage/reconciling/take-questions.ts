import { and, desc, eq, inArray, isNotNull, lte, sql } from "drizzle-orm";
import type { Asked, AskedCredential } from "../../domain/reconciling/question.ts";
import { isLive } from "../conditions.ts";
import { distinctValue, distinctValues } from "../counting/distinct-values.ts";
import { readerColumns, toCredential } from "../credentials/rows.ts";
import type { Queries } from "../database.ts";
import { dueNow, inMs } from "../database-clock.ts";
import { toInstallation, viewInstallations } from "../installations/rows.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { toQuestion } from "./question-rows.ts";

const isDue = and(lte(installations.askAfter, dueNow), isLive);

/** In the words of the index, by which what is withheld stands apart. */
const hasQuestion = sql`${installations.askAfter} is not null`;
const withheldOrNot = sql`(values (true), (false)) as each(is_withheld)`;
const isOfThose = sql`${installations.withheld} = is_withheld`;

/** See QuestionRepository.due. */
export async function platformsDue(db: Queries): Promise<readonly string[]> {
  const platform = distinctValue;
  const ofPlatform = sql`${installations.platform} = ${platform} and ${hasQuestion}`;
  const due = sql`exists (
    select from ${withheldOrNot} where exists (select from ${installations} where ${ofPlatform} and ${isOfThose} and ${isDue})
  )`;
  const rows = await db
    .select({ platform })
    .from(distinctValues(installations.platform, hasQuestion))
    .where(due)
    .prepare("questions_due")
    .execute();
  return rows.map((row) => row.platform);
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
  const due = sql`select id from ${withheldOrNot} cross join lateral (
      select ${installations.id} as id, ${installations.askAfter} as ask_after from ${installations}
      where ${and(eq(installations.platform, platform), hasQuestion, isOfThose, isDue)}
      order by ${installations.askAfter} limit ${limit} for no key update skip locked
    ) as due order by is_withheld desc, ask_after limit ${limit}`;
  const taken = await tx
    .update(installations)
    .set({
      askAfter: inMs(leaseMs),
      question: sql`jsonb_set(${installations.question}, '{tries}',
        to_jsonb((${installations.question} ->> 'tries')::int + 1))`,
    })
    // As an array it is read once: joined, it might be read again, and lock more than it names.
    .where(and(sql`${installations.id} = any(array(${due}))`, isNotNull(installations.question)))
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
