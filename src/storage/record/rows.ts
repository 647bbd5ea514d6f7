import { hash } from "node:crypto";
import type { AuditEvent } from "../../domain/model/audit-event.ts";
import type { auditEvents } from "../schema.ts";
import { isUuid } from "../uuid.ts";

/** A row as it stands in the database. */
export type AuditRow = typeof auditEvents.$inferSelect;

/** Where a row stands: in which chain, and after which row. */
export interface ChainPlace {
  readonly chainId: string;
  readonly sequence: number;
  readonly previousHash: string;
}

/** What the first row of a chain has for the hash of the row before it. */
export const noHash = "0".repeat(64);

/** The row of an event at its place. */
export function chainedRow(event: AuditEvent, id: string, place: ChainPlace): AuditRow & { readonly hash: string } {
  const row = {
    id,
    at: event.at,
    kind: event.kind,
    caller: storable(event.caller),
    method: storable(event.method),
    installationId: isUuid(event.installationId ?? "") ? (event.installationId?.toLowerCase() ?? null) : null,
    owner: storableOrNull(event.owner),
    platform: storableOrNull(event.platform),
    tokenFingerprint: storableOrNull(event.tokenFingerprint),
    address: storableOrNull(event.address),
    requestId: storableOrNull(event.requestId),
    policyHash: storableOrNull(event.policyHash),
    detail: storableOrNull(event.detail),
    count: event.count,
    ...place,
  };
  return { ...row, hash: hashOf(row) };
}

/** SHA-256 of every column but the hash itself, in hex. */
export function hashOf(row: Omit<AuditRow, "hash">): string {
  // JSON, since no two lists of texts, numbers and nulls look alike in it.
  const columns = [
    "audit 1",
    row.chainId,
    row.sequence,
    row.previousHash,
    row.id,
    instant(row.at),
    row.kind,
    row.caller,
    row.method,
    row.installationId,
    row.owner,
    row.platform,
    row.tokenFingerprint,
    row.address,
    row.requestId,
    row.policyHash,
    row.detail,
    row.count,
  ];
  return hash("sha256", JSON.stringify(columns));
}

/** What an `audit.witnessed` row says of another chain. */
export interface Sighting {
  readonly chainId: string;
  readonly sequence: number;
  readonly hash: string;
}

export function sightingDetail({ chainId, sequence, hash }: Sighting): string {
  return `${chainId} ${sequence} ${hash}`;
}

/** Undefined for a row of another kind. */
export function readSighting({ kind, detail }: Pick<AuditRow, "kind" | "detail">): Sighting | undefined {
  if (kind !== "audit.witnessed") return undefined;
  const [chainId = "", sequence = "", hash = ""] = (detail ?? "").split(" ");
  return isUuid(chainId) ? { chainId, sequence: Number(sequence), hash } : undefined;
}

/** A row that was meddled with may hold a time that no Date can. */
function instant(at: Date): string {
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

function storableOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storable(text);
}

/** The database takes neither NUL nor half a character, and one such text must not keep other rows from the record. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
