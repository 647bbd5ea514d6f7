import { targetOf } from "../../rig/postgres-target.ts";
import { createTestWorld, type TestWorld } from "../../rig/world.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { generateKey, parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../src/storage/seal/sealer.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { createTestDatabase } from "./database.ts";

/** Real storage on a database of its own, and a second connection to it for what only SQL can do. */
export async function openTestStorage(world: TestWorld = createTestWorld()): Promise<{
  readonly storage: Storage;
  readonly url: string;
  close(): Promise<void>;
}> {
  const database = await createTestDatabase();
  const sealer = createSealer({
    keys: parseKeyRing(generateKey(world.random)),
    cipher: "fernet",
    now: world.now,
    random: world.random,
  });
  const storage = await openPostgres({ target: targetOf(database.url), sealer, ...world });
  return {
    storage,
    url: database.url,
    async close() {
      await storage.close();
      await database.drop();
    },
  };
}
