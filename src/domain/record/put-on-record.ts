import type { World } from "../../world.ts";
import type { AuditEvent, AuditLog } from "./event.ts";
import type { NoteEvent } from "./noted-events.ts";

/** Whose doing something is, for the record. A call is one. */
export type Doer = Pick<AuditEvent, "caller" | "method" | "address" | "requestId" | "policyHash">;

/** What happened; the rest of the row is who and when. */
export type Happening = Pick<AuditEvent, "kind" | "installationId" | "owner" | "platform" | "detail">;

/** Rows that are stored together with a change or not at all, made of what the change turned out to be. */
export type Recording<T> = (changed: T) => readonly AuditEvent[];

/** The rows of what one doer did at one time. */
export function rowsOf(doer: Doer, at: Date, happenings: readonly Happening[]): readonly AuditEvent[] {
  const { caller, method, address, requestId, policyHash } = doer;
  const who = { at, caller, method, address, requestId, policyHash, count: 1 };
  return happenings.map((happening) => ({ ...happening, ...who }));
}

/** Puts on record what came to nothing. Never fails: what cannot be written now is written later. */
export type PutOnRecord = (doer: Doer, happenings: readonly Happening[]) => Promise<void>;

export function createPutOnRecord(parts: {
  readonly audit: AuditLog;
  /** Takes what cannot be written now. */
  readonly note: NoteEvent;
  readonly world: World;
}): PutOnRecord {
  const { audit, note, world } = parts;
  return async (doer, happenings) => {
    const events = rowsOf(doer, world.now(), happenings);
    try {
      await audit.append(events);
    } catch (error) {
      for (const event of events) note(event);
      const kinds = happenings.map(({ kind }) => kind);
      world.log.error({ kinds, error: error instanceof Error ? error.name : "unknown" }, "record.failed");
    }
  };
}
