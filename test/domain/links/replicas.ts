import postgres from "postgres";
import { createClock } from "../../../rig/clock.ts";
import { targetOf } from "../../../rig/postgres-target.ts";
import { createTestWorld } from "../../../rig/world.ts";
import { Secret } from "../../../src/secret.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { generateKey, parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../../src/storage/seal/sealer.ts";
import { createTestDatabase } from "../../support/database.ts";
import { type LinkStageOptions, openLinks } from "./stage.ts";

/** Replicas on one database, each with its own storage, keys and clock. */
export async function openReplicas() {
  const database = await createTestDatabase();
  const sql = postgres(database.url, { max: 2, onnotice: () => undefined });
  const closers: (() => Promise<void>)[] = [];
  const clock = createClock();
  return {
    sql,
    clock,
    newKey: () => generateKey(createTestWorld(clock.now).random),
    async open({ keys, aheadMs = 0, ...options }: LinkStageOptions & { keys: readonly Secret[]; aheadMs?: number }) {
      const world = createTestWorld(() => new Date(clock.now().getTime() + aheadMs));
      const ring = parseKeyRing(new Secret(keys.map((key) => key.reveal()).join(",")));
      const { now, random } = world;
      const sealer = createSealer({ keys: ring, cipher: "fernet", now, random });
      const storage = await openPostgres({ target: targetOf(database.url), sealer, ...world });
      closers.push(storage.close);
      return { storage, ...openLinks({ storage, world }, options) };
    },
    async close() {
      for (const close of closers) await close();
      await sql.end();
      await database.drop();
    },
  };
}
