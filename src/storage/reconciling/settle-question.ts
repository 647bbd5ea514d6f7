import { and, eq, inArray, sql } from "drizzle-orm";
import type { InspectedFacts } from "../../domain/model/platform.ts";
import type { Asked, Question, Settlement } from "../../domain/reconciling/question.ts";
import { isLive } from "../conditions.ts";
import type { Queries } from "../database.ts";
import { databaseNow, inMs } from "../database-clock.ts";
import { deleteUnused } from "../installations/serving.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import { tellGranted } from "./note-news.ts";
import { isAsked, toStored } from "./question-rows.ts";

/** Thrown to take a transaction back: another question is asked by now. */
class AskedAnew extends Error {}

type Transaction = <T>(work: (tx: Queries) => Promise<T>) => Promise<T>;

/** See QuestionRepository.settle. Credentials before installations, as a commit takes them. */
export async function settleQuestion(
  transaction: Transaction,
  asked: Asked,
  settlement: Settlement,
  { now, newId }: { readonly now: Date; readonly newId: () => string },
): Promise<boolean> {
  try {
    await transaction(async (tx) => {
      await settleCredentials(tx, settlement);
      if (!(await settleInstallation(tx, asked, settlement, now, newId))) throw new AskedAnew();
    });
    return true;
  } catch (error) {
    if (error instanceof AskedAnew) return false;
    throw error;
  }
}

async function settleCredentials(tx: Queries, { alive, dead }: Settlement): Promise<void> {
  const changes = [
    ...alive.map((id) => ({ id, code: undefined })),
    ...dead.map(({ id, code }) => ({ id, code: code as string | undefined })),
  ].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const { id, code } of changes) {
    // A dead one stays withheld, too: its access token may look as if it still lived.
    const change = code === undefined ? { withheld: false } : { status: "dead" as const, lastError: code };
    await tx
      .update(credentials)
      .set(change)
      .where(and(eq(credentials.id, id), inArray(credentials.status, ["active", "dead"])));
  }
}

async function settleInstallation(
  tx: Queries,
  { installation, question, credentials: served }: Asked,
  { state, facts, alive, dead, next }: Settlement,
  now: Date,
  newId: () => string,
): Promise<boolean> {
  const { status } = installations;
  const natural = served.find((one) => one.natural)?.credential.id;
  const naturalIsDead = dead.some(({ id }) => id === natural);
  const comesBack = natural !== undefined && alive.includes(natural);
  const becomes = naturalIsDead
    ? sql`case when ${status} in ('active', 'suspended') then 'reauthorization_required' else ${status} end`
    : state === "lost"
      ? sql`'reauthorization_required'`
      : state === "suspended"
        ? sql`case when ${status} = 'active' then 'suspended' else ${status} end`
        : state === "present"
          ? sql`case when ${status} = 'suspended' or (${comesBack} and ${status} = 'reauthorization_required')
              then 'active' else ${status} end`
          : sql`${status}`;
  const following: Question | undefined = next && { id: newId(), about: next.about, tries: 0, contradicted: false };
  const changes = changedFacts(installation, facts);
  const [settled] = await tx
    .update(installations)
    .set({
      ...changes,
      status: becomes,
      updatedAt: sql`case when ${status} <> ${becomes} or ${Object.keys(changes).length > 0}
        then ${now.toISOString()}::timestamptz else ${installations.updatedAt} end`,
      withheld: false,
      question: following === undefined ? null : toStored(following),
      askAfter: next === undefined ? null : inMs(next.delayMs),
      askedAt: databaseNow,
    })
    .where(and(eq(installations.id, installation.id), isAsked(question.id), isLive))
    .returning({ id: installations.id });
  if (settled === undefined) return false;
  if ("permissions" in changes) await tellGranted(tx, installation.id);
  if (state === "lost") {
    const unlinked = await tx
      .delete(installationCredentials)
      .where(eq(installationCredentials.installationId, installation.id))
      .returning({ id: installationCredentials.credentialId });
    await deleteUnused(tx, unlinked);
  }
  return true;
}

/** What a platform does not say is left as it is. */
function changedFacts(known: Asked["installation"], facts: InspectedFacts | undefined) {
  const { externalOrgName, scopes, permissions, metadata } = facts ?? {};
  const merged = { ...known.metadata, ...metadata };
  return {
    ...(externalOrgName === undefined || externalOrgName === known.externalOrgName ? {} : { externalOrgName }),
    ...(scopes === undefined || isSameSet(scopes, known.scopes) ? {} : { scopes: [...scopes] }),
    ...(permissions === undefined || isSame(permissions, known.permissions) ? {} : { permissions }),
    ...(isSame(merged, known.metadata) ? {} : { metadata: merged }),
  };
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
