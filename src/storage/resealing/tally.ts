import { sealingKeyId } from "../credentials/rows.ts";
import type { Sealer } from "../seal/sealer.ts";
import type { ListedRow, SealedCount } from "./rows.ts";

export interface UnreadableRow {
  readonly id: string;
  /** The key that sealed it, as the row says. */
  readonly keyId: string | null;
}

/** What became of a batch; the rest was found sealed as it should be, or gone. */
export interface BatchResult {
  readonly resealed: readonly string[];
  readonly unreadable: readonly UnreadableRow[];
  /** Changed by somebody else every time. */
  readonly overtaken: readonly string[];
}

/** How far it has come: exact at the end, and in between but for what others store meanwhile. */
export interface ResealProgress {
  /** Rows that this run has sealed anew. */
  readonly resealed: number;
  /** Rows that no key of the ring opens; nothing was changed in them. */
  readonly unreadable: number;
  /** Rows that another key or cipher sealed, the unreadable ones among them. */
  readonly left: number;
  /** Rows by the id of the key that sealed them. */
  readonly rowsByKey: ReadonlyMap<string, number>;
}

/** Keeps the count from batch to batch, since counting looks at every row. */
export interface ResealTally {
  add(batch: readonly ListedRow[], result: BatchResult): void;
  /** Takes the truth for what was reckoned. */
  recount(count: SealedCount): void;
  progress(): ResealProgress;
}

export function createResealTally(start: SealedCount, sealer: Sealer): ResealTally {
  const keyId = sealingKeyId(sealer) ?? "";
  let rowsByKey = new Map(start.rowsByKey);
  let left = start.outdated;
  let resealed = 0;
  let unreadable = 0;
  const move = (id: string, by: number) => {
    const rows = (rowsByKey.get(id) ?? 0) + by;
    if (rows > 0) rowsByKey.set(id, rows);
    else rowsByKey.delete(id);
  };

  return {
    add(batch, result) {
      resealed += result.resealed.length;
      unreadable += result.unreadable.length;
      const unsettled = new Set([...result.unreadable.map(({ id }) => id), ...result.overtaken]);
      for (const row of batch) {
        if (!row.outdated || row.keyId === null || unsettled.has(row.id)) continue;
        left = Math.max(0, left - 1);
        move(row.keyId, -1);
        move(keyId, 1);
      }
    },
    recount(count) {
      rowsByKey = new Map(count.rowsByKey);
      left = count.outdated;
    },
    progress: () => ({ resealed, unreadable, left, rowsByKey: new Map(rowsByKey) }),
  };
}
