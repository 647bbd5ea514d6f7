import type { auditChains } from "../schema.ts";
import type { SignatureCheck, Signer } from "../seal/signer.ts";

/** A chain as it stands in the database. */
export type ChainRow = typeof auditChains.$inferSelect;

/** How far a chain goes. */
export interface Head {
  readonly id: string;
  readonly startedAt: Date;
  readonly updatedAt: Date;
  readonly lastSequence: number;
  readonly headHash: string;
}

/** Where a chain begins after pruning. */
export interface Anchor {
  readonly id: string;
  readonly prunedSequence: number;
  readonly prunedHash: string;
}

/** The columns of a chain that say how far it goes, signed. */
export function signedHead(head: Head, signer: Signer): Head & { readonly keyId: string; readonly mac: string } {
  return { ...head, ...signer.sign(headText(head)) };
}

export function checkHead(chain: ChainRow, signer: Signer): SignatureCheck {
  return signer.check(headText(chain), chain);
}

/** The columns of a chain that say where it begins, signed. */
export function signedAnchor(anchor: Anchor, signer: Signer) {
  const { keyId, mac } = signer.sign(anchorText(anchor));
  return { ...anchor, prunedKeyId: keyId, prunedMac: mac };
}

/** A chain of which nothing was pruned has no anchor, and none can be wrong. */
export function checkAnchor(chain: ChainRow, signer: Signer): SignatureCheck {
  const { id, prunedSequence, prunedHash, prunedKeyId, prunedMac } = chain;
  if (prunedSequence === 0 && (prunedHash ?? prunedKeyId ?? prunedMac) === null) return "valid";
  if (prunedHash === null || prunedKeyId === null || prunedMac === null) return "forged";
  return signer.check(anchorText({ id, prunedSequence, prunedHash }), { keyId: prunedKeyId, mac: prunedMac });
}

function headText({ id, startedAt, updatedAt, lastSequence, headHash }: Head): string {
  return JSON.stringify(["head", id, startedAt, updatedAt, lastSequence, headHash]);
}

function anchorText({ id, prunedSequence, prunedHash }: Anchor): string {
  return JSON.stringify(["anchor", id, prunedSequence, prunedHash]);
}
