import { createHash } from "node:crypto";
import { and, eq } from "drizzle-orm";
import type { ForwardingSwitch } from "../../domain/deliveries/delivery-repository.ts";
import type { Database } from "../database.ts";
import { meta } from "../schema.ts";

const offKey = "forwarding_off";

/** One row for all replicas; it says of which address, so that another one is on. */
export function createForwardingSwitch(database: Database): ForwardingSwitch {
  return {
    async isOff(address) {
      const isOf = and(eq(meta.key, offKey), eq(meta.value, nameOf(address)));
      return (await database.read((db) => db.select({ key: meta.key }).from(meta).where(isOf))).length > 0;
    },
    async turnOff(address) {
      const value = nameOf(address);
      await database.write((db) =>
        db.insert(meta).values({ key: offKey, value }).onConflictDoUpdate({ target: meta.key, set: { value } }),
      );
    },
  };
}

/** Whatever the address is: an operator wants it tried again. */
export async function turnForwardingOn(database: Database): Promise<void> {
  await database.write((db) => db.delete(meta).where(eq(meta.key, offKey)));
}

/** An address may have a secret in its query. */
function nameOf(address: string): string {
  return createHash("sha256").update(address).digest("hex");
}
