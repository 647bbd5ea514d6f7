import { expect, inject, onTestFinished, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { createTools, silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";
import { startPgBouncer } from "./start-pgbouncer.ts";

test("in session mode, too, it needs a direct connection beside it, and the start says so", async () => {
  const database = await createTestDatabase();
  onTestFinished(database.drop);
  const pooler = await startPgBouncer(inject("databaseServerUrl"), "session");
  onTestFinished(pooler.close);
  const target = targetOf(Object.assign(new URL(database.url), { port: String(pooler.port) }).href);
  const tools = { log: silentLog, ...createTools() };
  await expect(openPostgres({ target, ...tools })).rejects.toThrow(/08P01: a pooler .*DATABASE_DIRECT_URL/);
  const storage = await openPostgres({ target, direct: targetOf(database.url), ...tools });
  onTestFinished(storage.close);
  await storage.ping();
});
