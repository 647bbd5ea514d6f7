import { and, asc, desc, eq, gte, lt, or, sql } from "drizzle-orm";
import type { Database } from "../database.ts";
import { auditChains, meta } from "../schema.ts";
import type { Signature, SignatureCheck, Signer } from "../seal/signer.ts";

/** Up to which chain, in the order of their ids, all heads were forgotten, signed. */
export interface ForgottenChains extends Signature {
  readonly through: string;
}

/** Of the row of `meta` that says it. */
export const forgottenKey = "audit_chains_forgotten";
const key = forgottenKey;
const one = sql`(select 1) as one`;

/** Undefined: none was. What cannot be read is forged. */
export async function readForgotten(database: Database): Promise<ForgottenChains | undefined> {
  const [row] = await database.read((db) => db.select({ value: meta.value }).from(meta).where(eq(meta.key, key)));
  if (row === undefined) return undefined;
  const [through = "", keyId = "", mac = ""] = row.value.split(" ");
  return { through, keyId, mac };
}

export function checkForgotten(forgotten: ForgottenChains, signer: Signer): SignatureCheck {
  return signer.check(textOf(forgotten.through), forgotten);
}

/** Whether the head of this chain was removed by the service. */
export type IsForgotten = (chainId: string) => Promise<boolean>;

/** Looks again for what it does not know of: chains are forgotten while others are read. */
export function createIsForgotten(database: Database, signer: Signer): IsForgotten {
  let through: string | undefined;
  const isKnown = (chainId: string) => through !== undefined && chainId <= through;
  return async (chainId) => {
    if (isKnown(chainId)) return true;
    const forgotten = await readForgotten(database);
    if (forgotten !== undefined && checkForgotten(forgotten, signer) === "valid") through = forgotten.through;
    return isKnown(chainId);
  };
}

/**
 * Removes the heads of the earliest chains that were pruned as a whole and not written to since `before`, and leaves
 * word of the last one, so that whoever saw one of them does not miss it. Returns how many.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export async function forgetChains(
  { database, signer }: { readonly database: Database; readonly signer: Signer },
  before: Date,
): Promise<number> {
  const through = await findLast(database, before);
  if (through === undefined) return 0;
  return database.transaction(async (tx) => {
    const forgotten = sql`forget_audit_chains(${through}::uuid)`.mapWith(Number);
    const [row] = await tx.select({ forgotten }).from(one);
    const value = markOf(through, signer);
    const isEarlier = sql`split_part(${meta.value}, ' ', 1) collate "C" < ${through}`;
    await tx
      .insert(meta)
      .values({ key, value })
      .onConflictDoUpdate({ target: meta.key, set: { value }, setWhere: isEarlier });
    return row?.forgotten ?? 0;
  });
}

/** Signs it anew with the ring's first key, if another one did that can be checked; undefined: there is nothing to sign. */
export async function resignForgotten(database: Database, signer: Signer): Promise<SignatureCheck | undefined> {
  const forgotten = await readForgotten(database);
  if (forgotten === undefined || signer.isCurrent(forgotten.keyId)) return undefined;
  const check = checkForgotten(forgotten, signer);
  if (check === "valid") {
    const value = markOf(forgotten.through, signer);
    const { through, keyId, mac } = forgotten;
    const unchanged = and(eq(meta.key, key), eq(meta.value, `${through} ${keyId} ${mac}`));
    await database.write((db) => db.update(meta).set({ value }).where(unchanged));
  }
  return check;
}

/** The last chain before the first one that has to stay. */
async function findLast(database: Database, before: Date): Promise<string | undefined> {
  const { id, prunedSequence, lastSequence, updatedAt } = auditChains;
  const stays = or(lt(prunedSequence, lastSequence), gte(updatedAt, before));
  const [first] = await database.read((db) =>
    db.select({ id }).from(auditChains).where(stays).orderBy(asc(id)).limit(1),
  );
  const [last] = await database.read((db) =>
    db
      .select({ id })
      .from(auditChains)
      .where(first === undefined ? undefined : lt(id, first.id))
      .orderBy(desc(id))
      .limit(1),
  );
  return last?.id;
}

/** The mark as `meta` keeps it. */
export function markOf(through: string, signer: Signer): string {
  const { keyId, mac } = signer.sign(textOf(through));
  return `${through} ${keyId} ${mac}`;
}

function textOf(through: string): string {
  return JSON.stringify(["forgotten", through]);
}
