import type { World } from "../../world.ts";
import { type AuditLog, type Doer, type Happening, rowsOf } from "../model/audit-event.ts";
import type { NoteEvent } from "./noted-events.ts";

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
