import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { openStorage } from "../../src/app/open-storage.ts";
import { startApp } from "../../src/app/start-app.ts";
import { createClosers } from "../../src/closers.ts";
import { createClock } from "../../src/world/clock.ts";
import { createJobs } from "../support/jobs.ts";
import { startService, type TestService } from "../support/service.ts";

const dayMs = 24 * 3_600_000;

let service: TestService;
let sql: postgres.Sql;
beforeAll(async () => {
  service = await startService();
  sql = postgres(service.databaseUrl, { max: 1, onnotice: () => undefined });
  const closers = createClosers();
  const at = new Date(Date.now() - 3 * dayMs);
  const { storage } = await openStorage(service.config(), { ...createTestWorld(() => at) }, closers);
  await storage.audit.append([{ kind: "audit.witnessed", at, caller: "old", method: "test", count: 1 }]);
  await closers.close();
});
afterAll(async () => {
  await sql.end();
  await service.close();
});

const oldRows = async () => (await sql`select 1 from audit_events where caller = 'old'`).length;

/** As the database remembers it: looked at an hour ago, without a jump since then. */
const steadyFor = (ms: number) => sql`
  insert into meta values ('clock', ${`${Date.now() - 3_600_000} ${Date.now() - ms}`})
  on conflict (key) do update set value = excluded.value`;

/** One round of a replica whose machine has this clock. */
async function pruneOn(aheadMs: number, env: Readonly<Record<string, string>> = {}) {
  const clock = createClock(() => Date.now() + aheadMs);
  const world = { ...createTestWorld(clock.now), clock };
  const jobs = createJobs();
  const app = await startApp(service.config({ PORT: "0", ...env }), world, jobs.schedule);
  await jobs.run("prune the record");
  await app.close();
  return world.lines.map((line) => (JSON.parse(line) as { event: string }).event);
}

test("a replica 420 days ahead prunes nothing that is young", async () => {
  await steadyFor(5 * dayMs);
  expect(await pruneOn(420 * dayMs)).not.toContain("audit.pruned");
  expect(await oldRows()).toBe(1);
});

test("a database that jumped prunes nothing, although the retention is over by its clock", async () => {
  await steadyFor(dayMs / 2);
  expect(await pruneOn(0, { AUDIT_RETENTION_DAYS: "2" })).toContain("audit.pruning_waits");
  expect(await oldRows()).toBe(1);
});

test("what is old by both clocks goes", async () => {
  await steadyFor(5 * dayMs);
  expect(await pruneOn(2 * 3_600_000, { AUDIT_RETENTION_DAYS: "2" })).toContain("audit.pruned");
  expect(await oldRows()).toBe(0);
});

test("what cannot be pruned of one table is no reason for the rows of others to stay", async () => {
  await sql`insert into install_links (secret_hash, platform, facts, created_at, expires_at)
    values ('old', 'slack', '{}', now() - interval '3 days', now() - interval '2 days')`;
  await sql`alter table attempts rename to attempts_away`;
  const { jobs } = service.replicas[0]!;
  const names = [...jobs.intervals.keys()].filter((name) => name.startsWith("forget "));
  await Promise.allSettled(names.map((name) => jobs.run(name)));
  await sql`alter table attempts_away rename to attempts`;
  expect(await sql`select 1 from install_links where secret_hash = 'old'`).toHaveLength(0);
});

test("nor does a jump take away accounts of people, or events that are on their way", async () => {
  const at = new Date(Date.now() - 200 * dayMs);
  await sql`insert into link_accounts (id, platform, product, caller, installation_ids, created_ids, connected_at,
      secret_hash, used_at)
    values (gen_random_uuid(), 'jira', 'jira', 'cli', '{}', '{}', ${at}, 'hash', ${at})`;
  await sql`insert into webhook_deliveries (platform, delivery_id, id, type, status, attempts, due_at, received_at)
    values ('jira', 'old', gen_random_uuid(), 'jira.issue', 'dead', 1, now(), ${at})`;
  const { jobs } = service.replicas[0]!;
  const left = async () => {
    for (const name of ["forget link accounts", "forget deliveries"]) await jobs.run(name);
    const [accounts, events] = [await sql`select 1 from link_accounts`, await sql`select 1 from webhook_deliveries`];
    return [accounts.length, events.length];
  };
  await steadyFor(dayMs / 2);
  expect(await left()).toEqual([1, 1]);
  await steadyFor(5 * dayMs);
  expect(await left()).toEqual([0, 0]);
});
