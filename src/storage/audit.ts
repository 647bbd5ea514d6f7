import { sql } from "drizzle-orm";
import { type AuditEvent, type AuditLog, serviceCaller } from "../domain/audit.ts";
import { type Head, signedHead } from "./audit-chains.ts";
import { type AuditRow, chainedRow, noHash, sightingDetail } from "./audit-rows.ts";
import type { Database, Queries } from "./database.ts";
import { inTurn } from "./in-turn.ts";
import { auditChains, auditEvents } from "./schema.ts";
import type { Signer } from "./seal/signer.ts";

/** The record, as one process writes it. */
export interface ChainedAuditLog extends AuditLog {
  /** The chain it writes at the moment; undefined before the first row, and after a failed one. */
  readonly chainId: string | undefined;
}

/**
 * Writes every row as the next link of this process's own chain, with its head in the same statement. The head is known
 * from memory, so nothing is read and nobody is waited for. After a write that failed, or whose end is unclear, a new
 * chain is begun that names the old one: that one is whole whether or not the write took place.
 */
export function createAuditLog(tools: {
  readonly database: Database;
  readonly signer: Signer;
  readonly newId: () => string;
  readonly now: () => Date;
}): ChainedAuditLog {
  const { database, signer, newId, now } = tools;
  let head: Head | undefined;
  /** The last one that is known to be stored, of a chain that was given up. */
  let left: Head | undefined;

  async function write(events: readonly AuditEvent[]): Promise<void> {
    const before = head ?? newHead();
    const links = left === undefined ? events : [sighting(left), ...events];
    const rows = linked(links, before);
    const last = rows.at(-1);
    if (last === undefined) return;
    const after = { ...before, updatedAt: now(), lastSequence: before.lastSequence + rows.length, headHash: last.hash };
    try {
      await database.write((db) => insert(db, rows, signedHead(after, signer)));
    } catch (error) {
      left = head ?? left;
      head = undefined;
      throw error;
    }
    head = after;
    left = undefined;
  }

  function newHead(): Head {
    const startedAt = now();
    return { id: newId(), startedAt, updatedAt: startedAt, lastSequence: 0, headHash: noHash };
  }

  function linked(events: readonly AuditEvent[], { id: chainId, lastSequence, headHash }: Head) {
    let previousHash = headHash;
    return events.map((event, index) => {
      const row = chainedRow(event, newId(), { chainId, sequence: lastSequence + index + 1, previousHash });
      previousHash = row.hash;
      return row;
    });
  }

  function sighting({ id: chainId, lastSequence: sequence, headHash: hash }: Head): AuditEvent {
    const detail = sightingDetail({ chainId, sequence, hash });
    return { kind: "audit.witnessed", at: now(), caller: serviceCaller, method: "append", detail, count: 1 };
  }

  const append = inTurn(write);
  return {
    append: async (events) => {
      if (events.length > 0) await append(events);
    },
    get chainId() {
      return head?.id;
    },
  };
}

/** Rows and head by one statement, so that neither is ever stored without the other. */
async function insert(db: Queries, rows: readonly AuditRow[], head: ReturnType<typeof signedHead>): Promise<void> {
  // The same statement text for any number of rows, so that it stays prepared.
  const each = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as event(
    id uuid, at timestamptz(3), kind text, caller text, method text, "installationId" uuid, "tokenFingerprint" text,
    address text, "requestId" text, count integer, owner text, platform text, "policyHash" text, detail text,
    "chainId" uuid, sequence bigint, "previousHash" text, hash text)`;
  const inserted = db.$with("inserted", {}).as(
    sql`insert into ${auditEvents} (
      id, at, kind, caller, method, installation_id, token_fingerprint, address, request_id, count, owner, platform,
      policy_hash, detail, chain_id, sequence, previous_hash, hash
    ) select id, at, kind, caller, method, "installationId", "tokenFingerprint", address, "requestId", count, owner,
      platform, "policyHash", detail, "chainId", sequence, "previousHash", hash from ${each}`,
  );
  const { id, startedAt, ...moved } = head;
  await db
    .with(inserted)
    .insert(auditChains)
    .values({ id, startedAt, prunedSequence: 0, ...moved })
    .onConflictDoUpdate({ target: auditChains.id, set: moved })
    .prepare("append_audit")
    .execute();
}
