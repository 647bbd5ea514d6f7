import { createHash } from "node:crypto";
import { and, eq, inArray } from "drizzle-orm";
import type { ForwardingSwitch, SentTask } from "../../domain/deliveries/delivery-repository.ts";
import type { Database } from "../database.ts";
import { meta } from "../schema.ts";

const offKeys: Readonly<Record<SentTask, string>> = { forward: "forwarding_off", alert: "alerting_off" };

/** One row of each for all replicas; it says of which address, so that another one is on. */
export function createForwardingSwitch(database: Database, task: SentTask): ForwardingSwitch {
  const offKey = offKeys[task];
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
  await database.write((db) => db.delete(meta).where(inArray(meta.key, Object.values(offKeys))));
}

/** An address may have a secret in its query. */
function nameOf(address: string): string {
  return createHash("sha256").update(address).digest("hex");
}
