import { ServiceError } from "../../errors.ts";
import type { Database } from "../database.ts";
import { errorCode } from "../database-failure.ts";
import type { Sealer } from "../seal/sealer.ts";
import { resealEvents } from "./events.ts";
import { resealCanary } from "./key-usage.ts";
import { countSealed, isCurrent, listRows, readRows, replaceSealed, type SealedRow, sealAnew } from "./rows.ts";
import { type BatchResult, createResealTally, type ResealProgress, type UnreadableRow } from "./tally.ts";

export interface ResealOptions {
  readonly database: Database;
  /** Seals with the key and cipher that everything shall be under, and opens with all keys. */
  readonly sealer: Sealer;
  /** Awaited before the first row is sealed anew; nothing is if it fails. */
  readonly onBegin?: (() => Promise<void>) | undefined;
  /** Told after every batch in which there was something to do. */
  readonly onBatch: (progress: ResealProgress) => void;
  readonly onUnreadable: (row: UnreadableRow) => void;
  /** Rows read at once. Default 200. */
  readonly batchRows?: number | undefined;
}

/** Rows written at once: some keep the database busy and leave it room for a running service. */
const writers = 4;
/** How often a row is tried that somebody else changes at the same moment. */
const maxRounds = 5;

/**
 * Seals every credential, what waits of events, and the canary, with the ring's first key and the configured cipher, beside a running service
 * and beside others who do the same. Row by row, each only if it still is what was read: a refresh, a commit or a
 * connect always wins. Interrupted, it goes on where it stopped when it is run again.
 * @throws ServiceError SERVICE_UNAVAILABLE if the database went away; what was sealed until then stays.
 */
export async function reseal(options: ResealOptions): Promise<ResealProgress> {
  const { database, sealer, onBegin, onBatch, onUnreadable, batchRows = 200 } = options;
  const tally = createResealTally(await countSealed(database, sealer), sealer);
  let after: string | undefined;
  do {
    const listed = await listRows(database, { after, limit: batchRows }, sealer);
    after = listed.at(-1)?.id;
    const suspects = listed.filter((row) => row.suspect);
    if (suspects.length === 0) continue;
    await onBegin?.();
    const result = await resealBatch(
      database,
      suspects.map(({ id }) => id),
      sealer,
    );
    for (const row of result.unreadable) onUnreadable(row);
    tally.add(suspects, result);
    onBatch(tally.progress());
  } while (after !== undefined);

  await resealEvents(database, sealer, onUnreadable);
  tally.recount(await countSealed(database, sealer));
  if (tally.progress().left === 0) await resealCanary(database, sealer);
  return tally.progress();
}

async function resealBatch(database: Database, ids: readonly string[], sealer: Sealer): Promise<BatchResult> {
  const resealed: string[] = [];
  const unreadable: UnreadableRow[] = [];
  let pending = ids;
  for (let round = 0; pending.length > 0 && round < maxRounds; round++) {
    const rows = [...(await readRows(database, pending))];
    const overtaken: string[] = [];
    const found: Record<RowOutcome, (row: SealedRow) => void> = {
      resealed: ({ id }) => void resealed.push(id),
      unreadable: ({ id, keyId }) => void unreadable.push({ id, keyId }),
      overtaken: ({ id }) => void overtaken.push(id),
      current: () => undefined,
    };
    const write = async () => {
      for (let row = rows.pop(); row !== undefined; row = rows.pop()) {
        found[await resealRow(database, row, sealer)](row);
      }
    };
    await Promise.all(Array.from({ length: writers }, write));
    pending = overtaken;
  }
  return { resealed, unreadable, overtaken: pending };
}

type RowOutcome = "resealed" | "current" | "unreadable" | "overtaken";

async function resealRow(database: Database, row: SealedRow, sealer: Sealer): Promise<RowOutcome> {
  if (isCurrent(row, sealer)) return "current";
  const anew = sealAnew(row, sealer);
  if (anew === undefined) return "unreadable";
  try {
    return (await replaceSealed(database, row, anew, sealer)) ? "resealed" : "overtaken";
  } catch (error) {
    if (isContended(error)) return "overtaken";
    throw error;
  }
}

/** Somebody held the row for longer than a statement waits: lock_not_available, deadlock, serialization failure. */
function isContended(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : undefined;
  return /^(55P03|40P01|40001)$/.test(errorCode(cause) ?? "");
}
