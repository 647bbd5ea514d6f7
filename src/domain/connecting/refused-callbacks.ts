import { LRUCache } from "lru-cache";
import type { AuditEvent } from "../model/audit-event.ts";
import type { NoteEvent } from "../record/noted-events.ts";

/** Refusals of one state that have rows of their own. */
const ownRows = 3;
/** Further ones are counted in one row per window; windows grow, so that a state that is tried for a day has few rows. */
const firstWindowMs = 1_000;
const windowGrowth = 10;
const longestWindowMs = 3_600_000;
/** States whose refusals are counted at once; what is pushed out is written then. */
const maxStates = 1_000;

/** Bounds what anybody who has seen a callback can add to the record by calling it again and again. */
export interface RefusedCallbacks {
  /** Whether this refusal has a row of its own; otherwise it was counted. `row` is what it would be. */
  hasOwnRow(stateHash: string, row: AuditEvent): boolean;
  /** Hands on the counts of windows that have ended, or of all. */
  flush(all?: boolean): void;
}

interface Counted {
  rows: number;
  /** The first of those that were counted since the last flush, with their number. */
  surplus: AuditEvent | undefined;
  windowMs: number;
  endsAtMs: number;
}

export function createRefusedCallbacks(parts: {
  readonly note: NoteEvent;
  readonly now: () => Date;
}): RefusedCallbacks {
  const { note, now } = parts;
  const states = new LRUCache<string, Counted>({ max: maxStates, dispose: write });

  function write(counted: Counted): void {
    if (counted.surplus !== undefined) note(counted.surplus);
    counted.surplus = undefined;
  }

  return {
    hasOwnRow(stateHash, row) {
      const key = `${stateHash} ${row.detail ?? ""}`;
      const counted = states.get(key) ?? { rows: 0, surplus: undefined, windowMs: firstWindowMs, endsAtMs: 0 };
      states.set(key, counted, { noDisposeOnSet: true });
      if (counted.rows < ownRows) {
        counted.rows += 1;
        return true;
      }
      if (counted.surplus === undefined) {
        // They may have come from anywhere.
        counted.surplus = { ...row, address: undefined, requestId: undefined };
        counted.endsAtMs = now().getTime() + counted.windowMs;
        counted.windowMs = Math.min(counted.windowMs * windowGrowth, longestWindowMs);
      } else counted.surplus = { ...counted.surplus, count: counted.surplus.count + row.count };
      return false;
    },
    flush(all = false) {
      const nowMs = now().getTime();
      for (const counted of states.values()) if (all || counted.endsAtMs <= nowMs) write(counted);
    },
  };
}
