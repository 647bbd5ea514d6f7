import { and, eq, inArray, isNull, ne, or, type SQL, sql } from "drizzle-orm";
import type { News } from "../../domain/model/platform-event.ts";
import type { Noted, Question, QuestionAbout, Told } from "../../domain/reconciling/question.ts";
import { changeChannel } from "../changes.ts";
import { named, namedColumns } from "../credentials/status.ts";
import type { Queries } from "../database.ts";
import { databaseNow } from "../database-clock.ts";
import { credentials, installationCredentials, installations, type StoredQuestion } from "../schema.ts";
import { toStored } from "./question-rows.ts";

/**
 * To be run in a transaction. See QuestionRepository.note. Credentials before installations, as a commit takes them.
 */
export async function noteNews(
  tx: Queries,
  told: Told,
  { now, newId }: { readonly now: Date; readonly newId: () => string },
): Promise<readonly Noted[]> {
  const meant = await findMeant(tx, told);
  if (meant.length === 0) return [];
  const fresh = meant.filter(({ since }) => !isOlder(told.happenedAt, since)).map(({ id }) => id);
  const ended = told.news.kind === "grants_ended" ? await withholdGrants(tx, fresh, told.news.grants) : [];
  const noted: Noted[] = [];
  for (const { id } of meant) {
    const isFresh = fresh.includes(id);
    const ofIt = ended.filter((one) => one.installationId === id);
    // Of people whom nobody here knows there is nothing to ask.
    if (told.news.kind === "grants_ended" && isFresh && ofIt.length === 0) continue;
    const one = await noteOne(tx, id, {
      about: isFresh ? aboutOf(told.news) : "changed",
      natural: ofIt.some(({ natural }) => natural),
      now,
      newId,
    });
    if (one !== undefined) noted.push({ ...one, withheld: one.withheld ?? (ofIt.length > 0 ? "grants" : undefined) });
  }
  return noted;
}

async function findMeant(tx: Queries, told: Told): Promise<readonly { readonly id: string; readonly since: Date }[]> {
  const { orExternalOrgId: externalOrgId, ...about } = told.about;
  const found = await tx
    .select({
      id: installations.id,
      since: sql`coalesce(${installations.connectedAt}, ${installations.createdAt})`.mapWith(installations.createdAt),
    })
    .from(installations)
    .where(isMeant(tx, told))
    .orderBy(installations.id);
  if (found.length > 0 || externalOrgId === undefined) return found;
  return findMeant(tx, { ...told, about: { ...about, externalOrgId } });
}

/** What is known of whom, and not only as another client's. */
function isMeant(tx: Queries, { platform, registration, about }: Told): SQL | undefined {
  const { externalInstallId, externalOrgId } = about;
  const served = (where?: SQL) =>
    tx
      .select({ id: credentials.id })
      .from(installationCredentials)
      .innerJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
      .where(and(eq(installationCredentials.installationId, installations.id), where));
  const own = or(isNull(credentials.registration), eq(credentials.registration, registration));
  return and(
    eq(installations.platform, platform),
    externalInstallId === undefined ? undefined : eq(installations.externalInstallId, externalInstallId),
    externalOrgId === undefined ? undefined : eq(installations.externalOrgId, externalOrgId),
    ne(installations.status, "revoked"),
    sql`(exists (${served(own)}) or not exists (${served()}))`,
  );
}

/** Platforms tell times in whole seconds: the second in which it was connected counts. */
function isOlder(happenedAt: Date | undefined, since: Date): boolean {
  return happenedAt !== undefined && happenedAt.getTime() < Math.floor(since.getTime() / 1000) * 1000;
}

function aboutOf({ kind }: News): QuestionAbout {
  return kind === "ended" || kind === "suspended" ? kind : "changed";
}

async function withholdGrants(
  tx: Queries,
  ids: readonly string[],
  grants: Extract<News, { kind: "grants_ended" }>["grants"],
) {
  if (ids.length === 0 || grants.length === 0) return [];
  const { actor, externalUserId } = installationCredentials;
  const each = grants.map((grant) =>
    and(
      eq(actor, grant.actor),
      // Whom an app's own grant is named by there is nobody here.
      grant.actor === "app" || grant.externalUserId === undefined
        ? undefined
        : eq(externalUserId, grant.externalUserId),
    ),
  );
  const links = await tx
    .select({
      installationId: installationCredentials.installationId,
      credentialId: installationCredentials.credentialId,
      natural: installationCredentials.natural,
    })
    .from(installationCredentials)
    .where(and(inArray(installationCredentials.installationId, [...ids]), or(...each)));
  if (links.length === 0) return [];
  const locked = tx
    .select({ id: credentials.id })
    .from(credentials)
    .where(
      and(
        inArray(
          credentials.id,
          links.map(({ credentialId }) => credentialId),
        ),
        ne(credentials.status, "revoked"),
      ),
    )
    .orderBy(credentials.id)
    .for("no key update");
  const withheld = await tx
    .update(credentials)
    .set({ withheld: true })
    .where(inArray(credentials.id, locked))
    .returning({ id: credentials.id });
  const done = new Set(withheld.map(({ id }) => id));
  return links.filter(({ credentialId }) => done.has(credentialId));
}

const strength: Readonly<Record<QuestionAbout, number>> = { routine: 0, changed: 1, suspended: 2, ended: 3 };

/** A question that is open stays as weighty as it was, and is asked anew. */
async function noteOne(
  tx: Queries,
  id: string,
  what: {
    readonly about: QuestionAbout;
    readonly natural: boolean;
    readonly now: Date;
    readonly newId: () => string;
  },
): Promise<Noted | undefined> {
  const [row] = await tx
    .select({ ...namedColumns, status: installations.status, question: installations.question })
    .from(installations)
    .where(and(eq(installations.id, id), ne(installations.status, "revoked")))
    .for("no key update");
  if (row === undefined) return undefined;
  const known = row.question?.about ?? "routine";
  const about = strength[known] > strength[what.about] ? known : what.about;
  const question: Question = { id: what.newId(), about, tries: 0, contradicted: false };
  const withheld = what.about === "ended" || what.about === "suspended";
  const status = statusAfter(row.status, withheld, what.natural);
  await tx
    .update(installations)
    .set({
      question: toStored(question) satisfies StoredQuestion,
      askAfter: databaseNow,
      ...(withheld && row.status !== "pending" ? { withheld } : {}),
      ...(status === row.status ? {} : { status, updatedAt: what.now }),
    })
    .where(eq(installations.id, id));
  const granted = what.about === "changed" ? await tellGranted(tx, id) : [];
  const { status: _status, question: _question, ...of } = row;
  return { ...named(of), withheld: withheld && row.status !== "pending" ? "installation" : undefined, granted };
}

function statusAfter(status: typeof installations.$inferSelect.status, withheld: boolean, natural: boolean) {
  if (status !== "active") return status;
  return withheld ? "suspended" : natural ? "reauthorization_required" : status;
}

/** What was minted for less than the whole grant lives in the memory of every replica. */
export async function tellGranted(tx: Queries, installationId: string): Promise<readonly string[]> {
  const rows = await tx
    .select({
      id: credentials.id,
      told: sql`pg_notify(${changeChannel}, 'granted ' || ${installationCredentials.credentialId} || ' ' || ${installationCredentials.installationId})`,
    })
    .from(installationCredentials)
    .innerJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .where(and(eq(installationCredentials.installationId, installationId), eq(credentials.kind, "app_installation")));
  return rows.map(({ id }) => id);
}
