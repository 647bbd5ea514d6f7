import { afterAll, beforeAll, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { type PostgresPair, startPostgresPair } from "../../rig/postgres-pair.ts";
import { loadDatabaseConfig } from "../../src/config/load-parts.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { filesOf } from "../config/load.ts";
import { createTools, silentLog } from "../contract/harness.ts";
import { type PgBouncer, startPgBouncer } from "./start-pgbouncer.ts";

const poolers: PgBouncer[] = [];
let pair: PostgresPair;
let storage: Storage;

/** Each server of a pair has a pooler before it, as they are run beside each other. The standby's is named first. */
beforeAll(async () => {
  pair = await startPostgresPair("test");
  const direct = await pair.createDatabase("tokens");
  await pair.synchronize();
  for (const server of [pair.standby, pair.primary]) poolers.push(await startPgBouncer(server.urlOf("postgres")));
  const pooled = direct.replace(/@[^/]+/, `@${poolers.map(({ port }) => `127.0.0.1:${port}`).join()}`);
  const config = loadDatabaseConfig({ DATABASE_URL: pooled, DATABASE_DIRECT_URL: direct }, filesOf({}));
  if (config.kind === "embedded") throw new Error("embedded");
  storage = await openPostgres({ target: config.target, direct: config.direct, log: silentLog, ...createTools() });
}, 120_000);

afterAll(async () => {
  await storage?.close();
  for (const pooler of poolers) await pooler.close();
  await pair?.close();
});

const canWrite = () =>
  storage.ping().then(
    () => true,
    () => false,
  );

test("of two poolers the one before the server that takes writes is used, and after a promotion the other", async () => {
  await until(canWrite, "the primary is written to");
  await pair.primary.stop("immediate");
  await until(async () => !(await canWrite()), "nothing can be written");
  // Its pooler goes on saying, to whoever logs in, that this is a standby.
  await pair.promote();
  await until(canWrite, "the promoted one is written to", 30_000);
  await until(() => storage.changes.isAlive(), "changes are heard of there", 20_000);
});
