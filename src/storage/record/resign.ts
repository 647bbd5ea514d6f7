import { and, asc, eq, gt, ne, or } from "drizzle-orm";
import { operatorCaller } from "../../domain/model/audit-event.ts";
import type { Database } from "../database.ts";
import { auditChains } from "../schema.ts";
import type { Signer } from "../seal/signer.ts";
import { createUuid } from "../uuid.ts";
import { type ChainRow, checkAnchor, checkHead, signedAnchor, signedHead } from "./chains.ts";
import { resignForgotten } from "./forgotten-chains.ts";
import { createAuditLog } from "./log.ts";

/** What became of the record's signatures by other keys than the first. */
export interface ResignedRecord {
  /** Chains that are signed with the first key now. */
  readonly resigned: number;
  /** Chains whose signature is wrong, or whose key is not in the ring: left as they were. */
  readonly unverifiable: number;
}

/**
 * Signs heads and anchors anew with the ring's first key, so that earlier keys can go. Each is checked before, and
 * written only if it still is what was read: a service that moves its head on has signed it itself. `onBegin` is awaited
 * before each.
 * @throws ServiceError SERVICE_UNAVAILABLE.
 */
export async function resignRecord(
  database: Database,
  signer: Signer,
  onBegin?: () => Promise<void>,
): Promise<ResignedRecord> {
  const { keyId } = signer.sign("");
  let resigned = 0;
  let unverifiable = 0;
  let after: string | undefined;
  do {
    const chains = await readOutdated(database, keyId, after);
    for (const chain of chains) {
      const valid = checkHead(chain, signer) === "valid" && checkAnchor(chain, signer) === "valid";
      if (!valid) {
        unverifiable++;
        continue;
      }
      await onBegin?.();
      if (await resign(database, chain, signer)) resigned++;
    }
    after = chains.at(-1)?.id;
  } while (after !== undefined);
  if ((await resignForgotten(database, signer)) === "unknown_key") unverifiable++;
  return { resigned, unverifiable };
}

/** Puts on record that everything comes under another key: when that begins, once, and when it has ended. */
export interface RotationRecord {
  begun(): Promise<void>;
  /** With how many rows were sealed anew. Nothing, where nothing had begun. */
  ended(resealed: number): Promise<void>;
}

export function createRotationRecord(
  tools: {
    readonly database: Database;
    readonly signer: Signer;
    readonly now: () => Date;
    readonly random: (bytes: number) => Buffer;
  },
  keyId: string,
): RotationRecord {
  const { now, random } = tools;
  const log = createAuditLog({ ...tools, newId: createUuid(now, random) });
  const row = { kind: "keys.rotated" as const, caller: operatorCaller, method: "rotate" };
  let begun: Promise<void> | undefined;
  return {
    begun: () => (begun ??= log.append([{ ...row, at: now(), detail: `${keyId} begun`, count: 1 }])),
    async ended(resealed) {
      if (begun !== undefined) await log.append([{ ...row, at: now(), detail: keyId, count: Math.max(1, resealed) }]);
    },
  };
}

async function resign(database: Database, chain: ChainRow, signer: Signer): Promise<boolean> {
  const { id, lastSequence, headHash, prunedSequence, prunedHash, mac } = chain;
  const head = signedHead(chain, signer);
  const anchor = prunedHash === null ? undefined : signedAnchor({ id, prunedSequence, prunedHash }, signer);
  const rows = await database.write((db) =>
    db
      .update(auditChains)
      .set({
        keyId: head.keyId,
        mac: head.mac,
        ...(anchor === undefined ? {} : { prunedKeyId: anchor.prunedKeyId, prunedMac: anchor.prunedMac }),
      })
      .where(
        and(
          eq(auditChains.id, id),
          eq(auditChains.lastSequence, lastSequence),
          eq(auditChains.headHash, headHash),
          eq(auditChains.mac, mac),
          eq(auditChains.prunedSequence, prunedSequence),
        ),
      )
      .returning({ id: auditChains.id }),
  );
  return rows.length > 0;
}

function readOutdated(database: Database, keyId: string, after: string | undefined): Promise<readonly ChainRow[]> {
  return database.read((db) =>
    db
      .select()
      .from(auditChains)
      .where(
        and(
          or(ne(auditChains.keyId, keyId), ne(auditChains.prunedKeyId, keyId)),
          after === undefined ? undefined : gt(auditChains.id, after),
        ),
      )
      .orderBy(asc(auditChains.id))
      .limit(500),
  );
}
