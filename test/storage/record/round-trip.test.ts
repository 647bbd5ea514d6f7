import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../../rig/postgres-target.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { createPostgresPool } from "../../../src/storage/postgres/pool.ts";
import { createAuditLog } from "../../../src/storage/record/log.ts";
import { createUuid } from "../../../src/storage/uuid.ts";
import { createTestSealer, silentLog } from "../../contract/harness.ts";
import { tapDatabase } from "../../process/database-tap.ts";
import { createTestDatabase } from "../../support/database.ts";

test("an append is one message to the database, whatever its number of rows, and is prepared once", async () => {
  const database = await createTestDatabase();
  const tap = await tapDatabase(database.url);
  const target = targetOf(tap.url);
  const pool = createPostgresPool({ target, maxConnections: 1, pooled: false, random: randomBytes, log: silentLog });
  onTestFinished(async () => {
    await pool.close();
    await tap.close();
    await database.drop();
  });
  const now = () => new Date();
  const signer = createTestSealer().recordSigner;
  const log = createAuditLog({ database: pool, signer, newId: createUuid(now, randomBytes), now });
  const event: AuditEvent = { kind: "token.issued", at: now(), caller: "ci", method: "GetToken", count: 1 };
  await log.append([event]);

  const said: { executes: boolean; prepares: boolean }[] = [];
  tap.onSaying = ({ executes, text }) => {
    said.push({ executes, prepares: text.includes("insert into") });
    return "forward";
  };
  for (const rows of [1, 2, 50]) await log.append(Array.from({ length: rows }, () => event));
  expect(said).toEqual(Array.from({ length: 3 }, () => ({ executes: true, prepares: false })));
});
