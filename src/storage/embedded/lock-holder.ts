/** Who holds the data directory, as its lock file says. */
export interface LockHolder {
  /** Of this one lock; never used again. */
  readonly id: string;
  readonly pid: number;
  /** When the process began, as the operating system tells it: other text means another process with the same pid. */
  readonly processStart: string;
  readonly lockedAt: Date;
}

/** The text of a lock file: one line of JSON, for people to read as well. */
export function formatHolder({ id, pid, processStart, lockedAt }: LockHolder): string {
  return `${JSON.stringify({ pid, process_start: processStart, locked_at: lockedAt.toISOString(), id })}\n`;
}

/** Undefined for text that no whole lock file has. */
export function parseHolder(text: string): LockHolder | undefined {
  const fields = parse(text);
  if (typeof fields !== "object" || fields === null) return undefined;
  if (!("pid" in fields && "process_start" in fields && "locked_at" in fields && "id" in fields)) return undefined;
  const { pid, process_start: processStart, locked_at: lockedAt, id } = fields;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (typeof processStart !== "string" || typeof lockedAt !== "string" || Number.isNaN(Date.parse(lockedAt)))
    return undefined;
  // The id becomes part of a file name.
  if (typeof id !== "string" || !/^[0-9a-f]{16}$/.test(id)) return undefined;
  return { id, pid, processStart, lockedAt: new Date(lockedAt) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
