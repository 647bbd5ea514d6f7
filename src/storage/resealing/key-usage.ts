import { eq, sql } from "drizzle-orm";
import { ServiceError } from "../../errors.ts";
import { Secret } from "../../secret.ts";
import { distinctValue, distinctValues } from "../counting/distinct-values.ts";
import { mostCounted } from "../counting/most-counted.ts";
import type { Database } from "../database.ts";
import { readForgotten } from "../record/forgotten-chains.ts";
import { auditChains, credentials, meta } from "../schema.ts";
import type { SealedText, Sealer } from "../seal/sealer.ts";
import { eventKeys } from "./events.ts";

/** Which keys open what is stored, and which are needed for it. */
export interface KeyUsage {
  /**
   * Compares the ring with the database: a few statements, on indexes or small tables. The first time of all it leaves the
   * canary, sealed with the first key, provided that nothing was stored under keys that are all missing; `onlyLook`
   * leaves nothing.
   */
  inspect(onlyLook?: boolean): Promise<KeyFacts>;
  /**
   * Which of the ring opens the canary, without counting anything: the first key, which also where there is none yet; another,
   * as while keys are changed; or none.
   */
  findOpener(): Promise<"first" | "other" | "none">;
}

export interface KeyFacts {
  /** Ids of the configured keys; the first one seals. */
  readonly configured: readonly string[];
  /** Credentials by the id of the key that sealed them, counted to 10,000. */
  readonly rowsByKey: ReadonlyMap<string, number>;
  /** Keys that rows need and that are not configured: these rows are TOKEN_UNREADABLE. */
  readonly missing: readonly string[];
  /** The same for events that wait: nobody works them off, or sends them on. */
  readonly missingForEvents: readonly string[];
  /** Configured keys but the first that neither rows nor the canary nor signatures of the record nor events need. */
  readonly unused: readonly string[];
  /** Whether a configured key opens what the first start of all sealed. */
  readonly canaryOpens: boolean;
}

export function createKeyUsage({ database, sealer }: { database: Database; sealer: Sealer }): KeyUsage {
  const configured = sealer.keyIds;

  const isStrange = (rowsByKey: ReadonlyMap<string, number>) =>
    rowsByKey.size > 0 && !configured.some((id) => rowsByKey.has(id));

  async function readCanary(
    rowsByKey: ReadonlyMap<string, number>,
    onlyLook: boolean,
  ): Promise<SealedText | undefined> {
    const found = await readSealedCanary(database);
    if (found !== undefined || onlyLook || isStrange(rowsByKey)) return found;
    const value = sealedCanary(sealer);
    await database.write((db) => db.insert(meta).values({ key: canaryKey, value }).onConflictDoNothing());
    return readSealedCanary(database);
  }

  return {
    async inspect(onlyLook = false) {
      const rowsByKey = await countRowsByKey(database);
      const canary = await readCanary(rowsByKey, onlyLook);
      const waiting = await eventKeys(database);
      const others = new Set([...(await readSigningKeys(database)), ...waiting]);
      return {
        configured,
        rowsByKey,
        missing: [...rowsByKey.keys()].filter((id) => !configured.includes(id)),
        missingForEvents: [...waiting].filter((id) => !configured.includes(id)),
        unused: configured.slice(1).filter((id) => !rowsByKey.has(id) && canary?.keyId !== id && !others.has(id)),
        canaryOpens: canary === undefined ? onlyLook && !isStrange(rowsByKey) : opens(sealer, canary),
      };
    },
    async findOpener() {
      const canary = await readSealedCanary(database);
      if (canary === undefined) return "first";
      if (!opens(sealer, canary)) return "none";
      return canary.keyId === configured[0] ? "first" : "other";
    },
  };
}

/** Seals the canary with the first key, whatever sealed it before. */
export async function resealCanary(database: Database, sealer: Sealer): Promise<void> {
  const value = sealedCanary(sealer);
  await database.write((db) =>
    db.insert(meta).values({ key: canaryKey, value }).onConflictDoUpdate({ target: meta.key, set: { value } }),
  );
}

const canaryKey = "key_canary";
const canaryPlace = { table: "meta", row: canaryKey, column: meta.value.name };

function sealedCanary(sealer: Sealer): string {
  return JSON.stringify(sealer.seal(canaryPlace, new Secret("canary")));
}

async function readSealedCanary(database: Database): Promise<SealedText | undefined> {
  const [row] = await database.read((db) => db.select({ value: meta.value }).from(meta).where(eq(meta.key, canaryKey)));
  return row === undefined ? undefined : parseSealed(row.value);
}

/** What is no sealed text opens with no key. */
function parseSealed(value: string): SealedText {
  const unreadable = { text: "", keyId: "" };
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== "object" || parsed === null || !("text" in parsed && "keyId" in parsed)) return unreadable;
    const { text, keyId } = parsed;
    return typeof text === "string" && typeof keyId === "string" ? { text, keyId } : unreadable;
  } catch {
    return unreadable;
  }
}

function opens(sealer: Sealer, { text }: SealedText): boolean {
  try {
    sealer.open(canaryPlace, text);
    return true;
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return false;
    throw error;
  }
}

async function readSigningKeys(database: Database): Promise<ReadonlySet<string>> {
  const rows = await database.read((db) =>
    db.selectDistinct({ head: auditChains.keyId, anchor: auditChains.prunedKeyId }).from(auditChains),
  );
  const forgotten = await readForgotten(database);
  const ids = rows.flatMap(({ head, anchor }) => (anchor === null ? [head] : [head, anchor]));
  return new Set(forgotten === undefined ? ids : [...ids, forgotten.keyId]);
}

/** From one key to the next by the index, however many rows there are of each. */
async function countRowsByKey(database: Database): Promise<ReadonlyMap<string, number>> {
  const { keyId } = credentials;
  const counted = sql`(select count(*) from (
    select from ${credentials} where ${keyId} = value limit ${sql.raw(String(mostCounted))}) as few)`;
  const rows = await database.read((db) =>
    db
      .select({ keyId: distinctValue, rows: counted.mapWith(Number) })
      .from(distinctValues(keyId))
      .orderBy(distinctValue),
  );
  return new Map(rows.map(({ keyId, rows }) => [keyId, rows]));
}
