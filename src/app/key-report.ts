import type { KeyFacts, KeyUsage } from "../storage/resealing/key-usage.ts";
import type { Log } from "../world.ts";
import { createCounted } from "./counted.ts";

/** What `/health` shows of the keys: their ids, and the rows that need them. */
export interface KeyReport {
  /** Counted anew when the last count is a minute old; the last one while the database cannot be asked. */
  read(): Promise<Readonly<Record<string, unknown>>>;
}

export interface KeyReportOptions {
  readonly usage: KeyUsage;
  readonly log: Log;
  readonly now: () => Date;
}

/** Looks once, and logs whatever is wrong with the keys. The service starts all the same: other rows can be read. */
export async function createKeyReport({ usage, log, now }: KeyReportOptions): Promise<KeyReport> {
  const counted = await createCounted(() => usage.inspect(), { failure: "keys.not_counted", log, now });
  const first = await counted.read();
  if (first !== undefined) announce(first.value, log);
  return {
    async read() {
      const last = await counted.read();
      return last === undefined ? { counted_at: null } : { ...shown(last.value), counted_at: last.at.toISOString() };
    },
  };
}

function announce({ configured, rowsByKey, missing, missingForEvents, unused, canaryOpens }: KeyFacts, log: Log): void {
  if (!canaryOpens) {
    const advice =
      "TOKEN_ENCRYPTION_KEY is wrong: none of its keys opens what this database was begun with; set the one it had";
    log.error({ configured, advice }, "keys.wrong");
  }
  if (missing.length > 0) {
    const rows = Object.fromEntries(missing.map((id) => [id, rowsByKey.get(id)]));
    const advice = "these rows are TOKEN_UNREADABLE until their keys are in TOKEN_ENCRYPTION_KEY again";
    log.error({ rows, configured, advice }, "keys.missing");
  }
  if (missingForEvents.length > 0) {
    const advice = "events that wait under these keys go after 7 days unless they are in TOKEN_ENCRYPTION_KEY again";
    log.error({ keys: missingForEvents, configured, advice }, "keys.missing_for_events");
  }
  if (unused.length > 0) {
    log.info({ keys: unused, advice: "may be removed, unless they are about to be the first" }, "keys.unused");
  }
}

function shown({ configured, rowsByKey, missing, missingForEvents, canaryOpens }: KeyFacts) {
  return {
    configured,
    rows: Object.fromEntries(rowsByKey),
    missing,
    missing_for_events: missingForEvents,
    canary: canaryOpens ? "opens" : "unreadable",
  };
}
