import { type SQL, sql } from "drizzle-orm";
import { type AuditEvent, serviceCaller } from "../../domain/model/audit-event.ts";
import { perObject } from "../../work/per-object.ts";
import type { Queries } from "../database.ts";
import { auditChains, auditEvents } from "../schema.ts";
import type { Signer } from "../seal/signer.ts";
import { type Head, signedHead } from "./chains.ts";
import { type AuditRow, chainedRow, noHash, sightingDetail } from "./rows.ts";

/**
 * A chain that was not written to for so long is not gone on with: it may be pruned to its end and forgotten, long
 * before its process ends. Half of what `forget_audit_chains` waits.
 */
const restMs = 24 * 3_600_000;

export interface ChainTools {
  readonly signer: Signer;
  readonly newId: () => string;
  readonly now: () => Date;
}

/** The next rows of a chain and how far it goes with them. */
export interface ChainStep {
  readonly rows: readonly AuditRow[];
  readonly head: ReturnType<typeof signedHead>;
}

/** One chain of the record, as one process writes it: one step at a time. */
export interface ChainWriter {
  /** The chain it writes at the moment; undefined before the first row, and after a failed step. */
  readonly chainId: string | undefined;
  /** Writes events as the next links, by `store`, which returns once they are durable. */
  extend(events: readonly AuditEvent[], store: (step: ChainStep) => Promise<void>): Promise<void>;
}

/**
 * The head is known from memory, so nothing is read and nobody is waited for. After a step that failed, or whose end is
 * unclear, or after a day's rest, a new chain is begun that names the old one: that one is whole whether or not the
 * write took place.
 */
export function createChainWriter({ signer, newId, now }: ChainTools): ChainWriter {
  let head: Head | undefined;
  /** The last one that is known to be stored, of a chain that was given up or left. */
  let left: Head | undefined;

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

  return {
    async extend(events, store) {
      if (head !== undefined && now().getTime() - head.updatedAt.getTime() >= restMs) {
        left = head;
        head = undefined;
      }
      const before = head ?? newHead();
      const rows = linked(left === undefined ? events : [sighting(left), ...events], before);
      const last = rows.at(-1);
      if (last === undefined) return;
      const lastSequence = before.lastSequence + rows.length;
      const after = { ...before, updatedAt: now(), lastSequence, headHash: last.hash };
      try {
        await store({ rows, head: signedHead(after, signer) });
      } catch (error) {
        left = head ?? left;
        head = undefined;
        throw error;
      }
      head = after;
      left = undefined;
    },
    get chainId() {
      return head?.id;
    },
  };
}

/** Rows and head by one statement, so that neither is ever stored without the other. */
export async function insertStep(db: Queries, { rows, head }: ChainStep): Promise<void> {
  await appendTo(db).execute({ ...head, rows: JSON.stringify(rows) });
}

/** Built once for each pool of connections: building it costs more than running it. */
const appendTo = perObject((db: Queries) => {
  // The same statement text for any number of rows, so that it stays prepared.
  const each = sql`json_to_recordset(${sql.placeholder("rows")}::json) as event(
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
  const { updatedAt, lastSequence, headHash, keyId, mac } = auditChains;
  return db
    .with(inserted)
    .insert(auditChains)
    .values({
      id: sql.placeholder("id"),
      startedAt: sql.placeholder("startedAt"),
      prunedSequence: 0,
      updatedAt: sql.placeholder("updatedAt"),
      lastSequence: sql.placeholder("lastSequence"),
      headHash: sql.placeholder("headHash"),
      keyId: sql.placeholder("keyId"),
      mac: sql.placeholder("mac"),
    })
    .onConflictDoUpdate({
      target: auditChains.id,
      set: {
        updatedAt: excluded(updatedAt),
        lastSequence: excluded(lastSequence),
        headHash: excluded(headHash),
        keyId: excluded(keyId),
        mac: excluded(mac),
      },
    })
    .prepare("append_audit");
});

/** What was to be inserted. */
function excluded({ name }: { readonly name: string }): SQL {
  return sql`excluded.${sql.identifier(name)}`;
}
