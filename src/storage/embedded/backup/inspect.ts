import { count } from "drizzle-orm/sql";
import type { Secret } from "../../../secret.ts";
import { type Verification, verifyRecord } from "../../record/verify.ts";
import { createKeyUsage } from "../../resealing/key-usage.ts";
import { installations } from "../../schema.ts";
import { parseKeyRing } from "../../seal/key-ring.ts";
import { createSealer } from "../../seal/sealer.ts";
import { openEmbeddedDatabase } from "../open.ts";

/** What is in a database that was unpacked. */
export interface Inspection {
  readonly installations: number;
  readonly credentials: number;
  /** Credentials that no key opens. */
  readonly unreadable: number;
  readonly record: Verification;
}

export interface InspectOptions {
  readonly keys: Secret;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
}

/**
 * Opens the files as a start does, reads the whole record, and looks for what the keys do not open.
 * @throws Error if they do not open, or if nothing in them was sealed with these keys.
 */
export async function inspectDatabase(path: string, { keys, now, random }: InspectOptions): Promise<Inspection> {
  const sealer = createSealer({ keys: parseKeyRing(keys), cipher: "fernet", now, random });
  const { database, close } = await openEmbeddedDatabase(path);
  try {
    const { rowsByKey, missing, configured } = await createKeyUsage({ database, sealer }).inspect();
    if (rowsByKey.size > 0 && !configured.some((id) => rowsByKey.has(id))) {
      throw new Error(
        `these keys (${configured.join(", ")}) open nothing of the backup, which was sealed with ${missing.join(", ")}: ` +
          "set TOKEN_ENCRYPTION_KEY to the key of that service",
      );
    }
    const ignored = () => undefined;
    const signer = sealer.recordSigner;
    const record = await verifyRecord({ database, signer, onChain: ignored, onFinding: ignored });
    const [rows] = await database.read((db) => db.select({ found: count() }).from(installations));
    const sum = (ids: Iterable<string>) => [...ids].reduce((total, id) => total + (rowsByKey.get(id) ?? 0), 0);
    return {
      installations: rows?.found ?? 0,
      credentials: sum(rowsByKey.keys()),
      unreadable: sum(missing),
      record,
    };
  } finally {
    await close();
  }
}
