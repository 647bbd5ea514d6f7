import type { World } from "../../world.ts";
import { type Recording, serviceCaller } from "../model/audit-event.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";

/** What keeps the record short and whole. */
export interface RecordUpkeep {
  /**
   * Removes what happened before `before`, and leaves of each chain where it goes on. Any number of replicas may do so
   * at once. What is removed at once is stored together with `record`'s rows about it.
   */
  prune(before: Date, record?: Recording<number>): Promise<PrunedRecord>;
  /** Notes how far the chains of other processes go. */
  witness(): Promise<void>;
  /** What time it is by the database, and since when it has gone on without a jump: kept there, over restarts. */
  watchClock(): Promise<RecordClock>;
}

export interface RecordClock {
  readonly now: Date;
  /** Later than the last jump, and than the first look; a break of two days counts as a jump. */
  readonly steadySince: Date;
}

export interface PrunedRecord {
  /** False: this process may not prune; a role of its own does. */
  readonly allowed: boolean;
  /** Rows removed. */
  readonly rows: number;
  /** Ids of chains that do not verify; their rows stay. */
  readonly broken: readonly string[];
}

export interface KeepRecord {
  /** Removes what is older than the retention: rows of the record, and what was revoked. Cheap where nothing is. */
  prune(): Promise<void>;
  witness(): Promise<void>;
  /**
   * The time to prune by: the database's, or this machine's where that is earlier, so that a wrong one of the two
   * removes nothing. Undefined for a day after the database's has jumped, when both may be wrong.
   */
  timeToPrune(): Promise<Date | undefined>;
}

const dayMs = 24 * 3_600_000;

/** What goes on by itself around the record. */
export function createKeepRecord(parts: {
  readonly installations: Pick<InstallationRepository, "forgetRevoked">;
  readonly record: RecordUpkeep;
  readonly world: Pick<World, "now" | "clock" | "log">;
  readonly retentionDays: number;
}): KeepRecord {
  const { record, installations, world, retentionDays } = parts;

  async function timeToPrune(): Promise<Date | undefined> {
    const { now, steadySince } = await record.watchClock();
    const until = new Date(steadySince.getTime() + dayMs);
    if (now < until) {
      const advice = "the clock jumped, or this is its first day: nothing is pruned before it has gone on for a day";
      world.log.info({ now, until, advice }, "audit.pruning_waits");
      return undefined;
    }
    const machine = world.clock?.machineNow() ?? now;
    return new Date(Math.min(machine.getTime(), now.getTime()));
  }

  return {
    async prune() {
      const at = await timeToPrune();
      if (at === undefined) return;
      // Whole days, so that each day has one round that finds something.
      const before = new Date((Math.floor(at.getTime() / dayMs) - retentionDays) * dayMs);
      const row = {
        kind: "audit.pruned" as const,
        caller: serviceCaller,
        method: "prune",
        detail: before.toISOString(),
      };
      const { allowed, rows, broken } = await record.prune(before, (count) => [{ ...row, at: world.now(), count }]);
      if (!allowed) world.log.debug({}, "audit.not_pruned_here");
      if (broken.length > 0) {
        const advice = "the record was meddled with, or its key is missing: run oauth-token-service audit verify";
        world.log.error({ chains: broken, advice }, "audit.broken");
      }
      if (rows > 0) world.log.info({ rows, before: before.toISOString() }, "audit.pruned");
      const forgotten = await installations.forgetRevoked(before);
      if (forgotten > 0) world.log.info({ rows: forgotten, before: before.toISOString() }, "installations.forgotten");
    },
    witness: () => record.witness(),
    timeToPrune,
  };
}
