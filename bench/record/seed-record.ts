import { randomBytes } from "node:crypto";
import type { AuditEvent } from "../../src/domain/model/audit-event.ts";
import { signedHead } from "../../src/storage/record/chains.ts";
import { chainedRow, noHash } from "../../src/storage/record/rows.ts";
import type { Signer } from "../../src/storage/seal/signer.ts";
import { createUuid } from "../../src/storage/uuid.ts";

const dayMs = 24 * 3_600_000;
/** Days of a record that is pruned by the default. */
export const recordDays = 400;
/** A process lives for ten days. */
const chainDays = 10;
const installations = Array.from({ length: 1_000 }, () => crypto.randomUUID());

/** The columns of the lines, as COPY wants them named. */
export const columns = `id, at, kind, caller, method, installation_id, token_fingerprint, address, request_id, count, owner,
  platform, policy_hash, detail, chain_id, sequence, previous_hash, hash`;

/**
 * A record of so many rows that began 400 days ago, as one process after the other would have written it: lines for
 * COPY, and the heads once all lines were read.
 */
export function createRecord(rows: number, signer: Signer) {
  const startedMs = Date.now() - recordDays * dayMs;
  const stepMs = (recordDays * dayMs) / rows;
  const perChain = Math.ceil((rows * chainDays) / recordDays);
  const heads: ReturnType<typeof signedHead>[] = [];
  let nowMs = startedMs;
  const newId = createUuid(() => new Date(nowMs), randomBytes);

  function* lines(): Generator<string> {
    for (let n = 0; n < rows; ) {
      const id = newId();
      const startedAt = new Date(nowMs);
      let previousHash = noHash;
      let sequence = 0;
      for (; sequence < perChain && n < rows; n++) {
        nowMs = Math.floor(startedMs + n * stepMs);
        const row = chainedRow(eventOf(n, new Date(nowMs)), newId(), {
          chainId: id,
          sequence: ++sequence,
          previousHash,
        });
        previousHash = row.hash;
        yield lineOf(row);
      }
      const head = { id, startedAt, updatedAt: new Date(nowMs), lastSequence: sequence, headHash: previousHash };
      heads.push(signedHead(head, signer));
    }
  }
  return { lines, heads };
}

/** As in constant use: now and then a first hand-out, and what comes after it. */
function eventOf(n: number, at: Date): AuditEvent {
  return {
    kind: n % 12 === 0 ? "token.issued" : "token.repeated",
    at,
    caller: "indexer-worker",
    method: "GetToken",
    installationId: installations[n % installations.length],
    owner: `owner-${n % 100}`,
    platform: "jira",
    tokenFingerprint: fingerprints[n % fingerprints.length],
    address: "10.0.0.1",
    requestId: "0190b5d2-5b4e-7c3a-9d6e-2f1a3b4c5d6e",
    policyHash: "ab".repeat(32),
    count: 300,
  };
}

const fingerprints = Array.from({ length: 997 }, () => randomBytes(32).toString("hex"));

function lineOf(row: ReturnType<typeof chainedRow>): string {
  const values = [
    ...[row.id, row.at.toISOString(), row.kind, row.caller, row.method, row.installationId, row.tokenFingerprint],
    ...[row.address, row.requestId, row.count, row.owner, row.platform, row.policyHash, row.detail],
    ...[row.chainId, row.sequence, row.previousHash, row.hash],
  ];
  return `${values.map((value) => value ?? "\\N").join("\t")}\n`;
}
