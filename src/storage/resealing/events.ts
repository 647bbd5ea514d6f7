import { and, asc, eq, gt, inArray, isNotNull, or, type SQL, sql } from "drizzle-orm";
import { waitingTasks } from "../../domain/model/telemetry.ts";
import { ServiceError } from "../../errors.ts";
import { distinctValue, distinctValues } from "../counting/distinct-values.ts";
import type { Database } from "../database.ts";
import { openDelivery, sealDelivery } from "../deliveries/sealed-delivery.ts";
import { webhookDeliveries } from "../schema.ts";
import { gcmPrefix, type SealedText, type Sealer } from "../seal/sealer.ts";
import type { UnreadableRow } from "./tally.ts";

const { id, content, keyId, status } = webhookDeliveries;
/** Read at once: an event may be large. */
const batchRows = 20;
/** Of the others nothing is kept. */
const isWaiting = and(inArray(status, [...waitingTasks]), isNotNull(content));

/** Seals what waits of events anew where another key or cipher sealed it. What ends meanwhile is left as it is. */
export async function resealEvents(
  database: Database,
  sealer: Sealer,
  onUnreadable: (row: UnreadableRow) => void,
): Promise<void> {
  for (let after: string | undefined; ; ) {
    const beyond = after === undefined ? undefined : gt(id, after);
    const wanted = and(isWaiting, isOutdated(sealer), beyond);
    const rows = await database.read((db) =>
      db.select({ id, content, keyId }).from(webhookDeliveries).where(wanted).orderBy(asc(id)).limit(batchRows),
    );
    for (const row of rows) {
      const anew = row.content === null ? undefined : sealedAnew(sealer, row.id, row.content);
      if (anew === undefined) onUnreadable({ id: row.id, keyId: row.keyId });
      else await replace(database, row, anew);
    }
    after = rows.at(-1)?.id;
    if (after === undefined) return;
  }
}

/** Keys that open what waits of events, from one to the next by the index. */
export async function eventKeys(database: Database): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const task of waitingTasks) {
    const ofTask = sql`${status} = ${sql.raw(`'${task}'`)}`;
    const rows = await database.read((db) => db.select({ keyId: distinctValue }).from(distinctValues(keyId, ofTask)));
    for (const row of rows) found.add(row.keyId);
  }
  return found;
}

async function replace(
  database: Database,
  row: { readonly id: string; readonly content: string | null },
  anew: SealedText,
): Promise<void> {
  const isStill = and(eq(id, row.id), eq(content, row.content ?? ""));
  await database.write((db) =>
    db.update(webhookDeliveries).set({ content: anew.text, keyId: anew.keyId }).where(isStill),
  );
}

function sealedAnew(sealer: Sealer, row: string, text: string): SealedText | undefined {
  try {
    return sealDelivery(sealer, row, openDelivery(sealer, row, text));
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return undefined;
    throw error;
  }
}

function isOutdated(sealer: Sealer): SQL | undefined {
  const isGcm = sql`starts_with(${content}, ${gcmPrefix})`;
  const isOtherCipher = sealer.cipher === "aes-256-gcm" ? sql`not ${isGcm}` : isGcm;
  return or(sql`${keyId} is distinct from ${sealer.keyIds[0] ?? ""}`, isOtherCipher);
}
