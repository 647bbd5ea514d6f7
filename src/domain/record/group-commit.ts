import type { AuditEvent, AuditLog } from "../model/audit-event.ts";

/** Rows that arrive while others are being written share the next commit. */
export function groupCommit(audit: AuditLog): (event: AuditEvent) => Promise<void> {
  let waiting: AuditEvent[] = [];
  let next: Promise<void> | undefined;
  let running: Promise<void> = Promise.resolve();

  function start(): Promise<void> {
    const turn = running.then(() => {
      const batch = waiting;
      waiting = [];
      next = undefined;
      return audit.append(batch);
    });
    running = turn.catch(() => undefined);
    return turn;
  }

  return (event) => {
    waiting.push(event);
    next ??= start();
    return next;
  };
}
