import { type AuditEvent, type AuditKind, type AuditLog, serviceCaller } from "./audit.ts";

/** Puts an event on record soon. Never waits, never fails. */
export type NoteEvent = (event: AuditEvent) => void;

/** For parts that are used without a record. */
export const noteNothing: NoteEvent = () => undefined;

/** Events that no call waits for, written once a second. */
export interface AuditBuffer {
  /** Equal events of one second become one row that counts them; `at` and request id are the first one's. */
  readonly note: NoteEvent;
  /** Writes what was noted since the last flush. What cannot be written is kept for the next one. */
  flush(): Promise<void>;
}

/** Rows of one kind in one flush. What anybody can cause without a proof is kept shorter. */
const maxRows = (kind: AuditKind) => (kind === "call.refused" ? 200 : 5_000);

/** Marks the row that counts what there was no room for. */
const overflow = "not_listed";

export function createAuditBuffer({ audit }: { readonly audit: AuditLog }): AuditBuffer {
  let noted = createTally();

  return {
    note: (event) => noted.add(event),
    async flush() {
      const writing = noted;
      noted = createTally();
      try {
        await audit.append(writing.rows());
      } catch (error) {
        // Older ones first, so that their rows are the ones that are listed.
        for (const event of noted.rows()) writing.add(event);
        noted = writing;
        throw error;
      }
    },
  };
}

interface Tally {
  add(event: AuditEvent): void;
  rows(): readonly AuditEvent[];
}

/** Counts events. Holds a bounded number of rows, however many different events there are. */
function createTally(): Tally {
  const counted = new Map<string, AuditEvent>();
  const rowsOf = new Map<AuditKind, number>();

  function count(key: string, event: AuditEvent): boolean {
    const known = counted.get(key);
    if (known === undefined) return false;
    counted.set(key, { ...known, count: Math.min(known.count + event.count, maxCount) });
    return true;
  }

  return {
    add(event) {
      const key = keyOf(event);
      if (count(key, event)) return;
      const { kind, at } = event;
      const rows = rowsOf.get(kind) ?? 0;
      if (rows < maxRows(kind)) {
        counted.set(key, event);
        rowsOf.set(kind, rows + 1);
        return;
      }
      const rest = { kind, at, caller: serviceCaller, method: "flush counts", detail: overflow, count: event.count };
      if (!count(keyOf(rest), rest)) counted.set(keyOf(rest), rest);
    },
    rows: () => [...counted.values()],
  };
}

/** What the column takes. */
const maxCount = 2_147_483_647;

/** Everything but when it was and which call it was. */
function keyOf(event: AuditEvent): string {
  const { kind, caller, method, address, detail, installationId, owner, platform, tokenFingerprint, policyHash } =
    event;
  const subject = [installationId, owner, platform, tokenFingerprint, policyHash];
  return JSON.stringify([kind, caller, method, address, detail, ...subject].map((part) => part ?? null));
}
