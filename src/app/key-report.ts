import type { KeyFacts, KeyUsage } from "../storage/key-usage.ts";
import type { Log } from "../world.ts";

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

const maxAgeMs = 60_000;

/** Looks once, and logs whatever is wrong with the keys. The service starts all the same: other rows can be read. */
export async function createKeyReport({ usage, log, now }: KeyReportOptions): Promise<KeyReport> {
  let last: { readonly facts: KeyFacts; readonly at: Date } | undefined;
  let counting: Promise<void> | undefined;

  async function count(): Promise<void> {
    try {
      last = { facts: await usage.inspect(), at: now() };
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.name : "unknown" }, "keys.not_counted");
    }
  }
  await count();
  if (last !== undefined) announce(last.facts, log);

  return {
    async read() {
      if (last === undefined || Math.abs(now().getTime() - last.at.getTime()) >= maxAgeMs) {
        counting ??= count().finally(() => {
          counting = undefined;
        });
        await counting;
      }
      return last === undefined ? { counted_at: null } : { ...shown(last.facts), counted_at: last.at.toISOString() };
    },
  };
}

function announce({ configured, rowsByKey, missing, unused, canaryOpens }: KeyFacts, log: Log): void {
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
  if (unused.length > 0) {
    log.info({ keys: unused, advice: "may be removed, unless they are about to be the first" }, "keys.unused");
  }
}

function shown({ configured, rowsByKey, missing, canaryOpens }: KeyFacts) {
  return {
    configured,
    rows: Object.fromEntries(rowsByKey),
    missing,
    canary: canaryOpens ? "opens" : "unreadable",
  };
}
