import type { World } from "../world.ts";
import { type AuditLog, serviceCaller } from "./audit.ts";

/** What keeps the record short and whole. */
export interface AuditRecord {
  /**
   * Removes what happened before `before`, and leaves of each chain where it goes on. Any number of replicas may do so
   * at once.
   */
  prune(before: Date): Promise<PrunedRecord>;
  /** Notes how far the chains of other processes go. */
  witness(): Promise<void>;
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
  /** Removes what is older than the retention. Cheap where nothing is. */
  prune(): Promise<void>;
  witness(): Promise<void>;
}

const dayMs = 24 * 3_600_000;

/** What goes on by itself around the record. */
export function createKeepRecord(parts: {
  readonly record: AuditRecord;
  readonly audit: AuditLog;
  readonly world: Pick<World, "now" | "log">;
  readonly retentionDays: number;
}): KeepRecord {
  const { record, audit, world, retentionDays } = parts;
  return {
    async prune() {
      const at = world.now();
      // Whole days, so that each day has one round that finds something.
      const before = new Date((Math.floor(at.getTime() / dayMs) - retentionDays) * dayMs);
      const { allowed, rows, broken } = await record.prune(before);
      if (!allowed) world.log.debug({}, "audit.not_pruned_here");
      if (broken.length > 0) {
        const advice = "the record was meddled with, or its key is missing: run oauth-token-service audit verify";
        world.log.error({ chains: broken, advice }, "audit.broken");
      }
      if (rows === 0) return;
      world.log.info({ rows, before: before.toISOString() }, "audit.pruned");
      const detail = before.toISOString();
      await audit.append([{ kind: "audit.pruned", at, caller: serviceCaller, method: "prune", detail, count: rows }]);
    },
    witness: () => record.witness(),
  };
}
