import { networkOf } from "../access/network.ts";
import type { AuditEvent, AuditKind, AuditLog } from "../model/audit-event.ts";
import { fairShare } from "./fair-share.ts";

/** Puts an event on record soon. Never waits, never fails. */
export type NoteEvent = (event: AuditEvent) => void;

/** For parts that are used without a record. */
export const noteNothing: NoteEvent = () => undefined;

/** Events that no call waits for, written once a second. */
export interface NotedEvents {
  /** Equal events of one second become one row that counts them; `at` and request id are the first one's. */
  readonly note: NoteEvent;
  /** Writes what was noted since the last flush. What cannot be written is kept for the next one. */
  flush(): Promise<void>;
}

/** Rows of one kind in one flush. What anybody can cause without a proof is kept shorter. */
const maxRows = (kind: AuditKind) => (kind === "call.refused" ? 200 : 5_000);
/** Different events of one kind and caller, and of those of one network, that are held until the flush. */
const maxHeld = { ofCaller: 5_000, ofNetwork: 50 };

/** Marks the row that counts what there was no room for. */
const overflow = "not_listed";

export function createNotedEvents({ audit }: { readonly audit: AuditLog }): NotedEvents {
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

/**
 * Counts events. Holds and gives a bounded number of rows, however many different events there are: callers share them
 * equally, and so do the networks of a caller. The rest is one row of each caller.
 */
function createTally(): Tally {
  const counted = new Map<string, AuditEvent>();
  const held = new Map<string, number>();

  function add(event: AuditEvent): void {
    const key = keyOf(event);
    if (count(counted, key, event)) return;
    const groups = [
      [`${event.kind} ${event.caller}`, maxHeld.ofCaller],
      [`${event.kind} ${event.caller} ${placeOf(event)}`, maxHeld.ofNetwork],
    ] as const;
    const room = isUnlisted(event) || groups.every(([group, most]) => (held.get(group) ?? 0) < most);
    if (room) {
      counted.set(key, event);
      for (const [group] of groups) held.set(group, (held.get(group) ?? 0) + 1);
    } else add(unlisted(event));
  }

  function rowsOf(kind: AuditKind, events: readonly AuditEvent[]): readonly AuditEvent[] {
    const open = events.filter((event) => !isUnlisted(event));
    const chosen = fairShare(open, maxRows(kind), [({ caller }) => caller, placeOf]);
    const listed = new Map<string, AuditEvent>();
    for (const event of events) {
      const row = chosen.has(event) ? event : unlisted(event);
      if (!count(listed, keyOf(row), row)) listed.set(keyOf(row), row);
    }
    return [...listed.values()];
  }

  return {
    add,
    rows: () =>
      [...Map.groupBy(counted.values(), ({ kind }) => kind)].flatMap(([kind, events]) => rowsOf(kind, events)),
  };
}

function count(counted: Map<string, AuditEvent>, key: string, event: AuditEvent): boolean {
  const known = counted.get(key);
  if (known === undefined) return false;
  counted.set(key, { ...known, count: Math.min(known.count + event.count, maxCount) });
  return true;
}

/** Who, and how many; the rest of what is counted together differs. */
function unlisted({ kind, at, caller, count }: AuditEvent): AuditEvent {
  return { kind, at, caller, method: "flush counts", detail: overflow, count };
}

function isUnlisted({ detail }: AuditEvent): boolean {
  return detail === overflow;
}

/** Where it came from; whose it is, where it came from nowhere. */
function placeOf({ address, owner }: AuditEvent): string {
  return address === undefined ? `owner ${owner}` : networkOf(address);
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
