import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import postgres from "postgres";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { targetOf } from "../../../rig/postgres-target.ts";
import { runCommand } from "../../../src/cli/run-command.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { slackContext, workspace } from "../../contract/connections.ts";
import { createTools, silentLog } from "../../contract/harness.ts";
import { createTestDatabase } from "../../support/database.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function connect(url: string): postgres.Sql {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  cleanups.push(() => sql.end());
  return sql;
}

/** A role of its own on the run's server; after the databases that it has rights in are gone, it goes too. */
async function createRole(): Promise<{ name: string; as(url: string): string }> {
  const name = `role_${randomBytes(6).toString("hex")}`;
  const server = postgres(inject("databaseServerUrl"), { max: 1, onnotice: () => undefined });
  await server.unsafe(`create role ${name} login password 'test-password'`);
  cleanups.push(async () => {
    await server.unsafe(`drop role ${name}`);
    await server.end();
  });
  return { name, as: (url) => Object.assign(new URL(url), { username: name, password: "test-password" }).href };
}

async function database(options?: { empty: boolean }): Promise<string> {
  const { url, drop } = await createTestDatabase(options);
  cleanups.push(drop);
  return url;
}

const tools = createTools();
async function open(url: string, now = tools.now) {
  const storage = await openPostgres({ target: targetOf(url), log: silentLog, ...tools, now });
  cleanups.push(() => storage.close());
  return storage;
}

const tenDaysAgo = () => new Date(Date.now() - 10 * 24 * 3_600_000);
const fiveDaysAgo = () => new Date(Date.now() - 5 * 24 * 3_600_000);
const event = (at = new Date()): AuditEvent => ({
  kind: "token.issued",
  at,
  caller: "ci",
  method: "GetToken",
  count: 1,
});

async function migrate(url: string, ...args: readonly string[]): Promise<{ code: number; lines: readonly string[] }> {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const world = { env: { DATABASE_URL: url }, readFile: () => "", now: () => new Date(), random: randomBytes };
  return { code: await runCommand(["migrate", ...args], { ...world, print: write, complain: write }), lines };
}

describe("the service as a role of its own", () => {
  let owner: postgres.Sql;
  let serviceUrl: string;
  let role: string;
  beforeEach(async () => {
    const { name, as } = await createRole();
    const url = await database({ empty: true });
    expect(await migrate(url, "--service-role", name)).toMatchObject({
      code: 0,
      lines: [expect.any(String), expect.stringContaining(name)],
    });
    owner = connect(url);
    serviceUrl = as(url);
    role = name;
  });

  test("starts, writes, reads, sees others' chains, and prunes", async () => {
    const [one, two] = [await open(serviceUrl, tenDaysAgo), await open(serviceUrl)];
    await one.audit.append([event(tenDaysAgo())]);
    await two.record.witness();
    expect(await one.findProtectionGap()).toBeUndefined();
    const all = { platforms: "all", partly: [], owners: "all" } as const;
    expect(await one.record.list({}, [all], undefined, 10)).toHaveLength(2);
    expect(await two.record.prune(fiveDaysAgo())).toEqual({ allowed: true, rows: 1, broken: [] });
    // The head of the other went with its only row.
    expect(await owner`select pruned_sequence::int from audit_chains`).toMatchObject([{ pruned_sequence: 0 }]);
    expect(await owner`select 1 from meta where key = 'audit_chains_forgotten'`).toHaveLength(1);
    expect((await one.keyUsage.inspect()).canaryOpens).toBe(true);
  });

  test("connects, changes and ends installations also where functions are not everybody's", async () => {
    const { name, as } = await createRole();
    const url = await database({ empty: true });
    await connect(url)`alter default privileges revoke execute on functions from public`;
    expect(await migrate(url, "--service-role", name)).toMatchObject({ code: 0 });
    const [early, storage] = [await open(as(url), tenDaysAgo), await open(as(url))];
    await early.audit.append([event(tenDaysAgo())]);
    await storage.record.witness();
    expect(await storage.record.prune(fiveDaysAgo())).toMatchObject({ allowed: true, rows: 1 });
    const now = new Date();
    const [made] = await storage.installations.connect(workspace("T1", "t"), slackContext(now));
    await storage.installations.beginRevocation(made?.id ?? "", "over", now);
    expect((await storage.installationChanges.after(0, 9)).map(({ kind }) => kind)).toEqual(["created", "ended"]);
  });

  test.each([
    ["update audit_events set caller = 'nobody'", "permission denied for table audit_events"],
    ["delete from audit_events", "permission denied for table audit_events"],
    ["truncate audit_events", "permission denied for table audit_events"],
    ["truncate audit_events, audit_chains cascade", "permission denied for table"],
    ["drop table audit_events", "must be owner of table audit_events"],
    ["drop trigger audit_events_append_only on audit_events", "must be owner of relation audit_events"],
    ["alter table audit_events disable trigger all", "must be owner of table audit_events"],
    ["alter table audit_events drop constraint audit_events_chained", "must be owner of table audit_events"],
    ["set session_replication_role = replica", "permission denied to set parameter"],
    ["set role oauth_token_service_audit_pruner", "permission denied to set role"],
    [
      "create or replace function is_pruning_audit() returns boolean language sql as 'select true'",
      "permission denied for schema public",
    ],
    ["create rule none as on insert to audit_events do instead nothing", "must be owner"],
    ["delete from audit_chains", "permission denied for table audit_chains"],
    [
      "select forget_audit_chains('ffffffff-ffff-ffff-ffff-ffffffffffff')",
      "chains that have rows, or ended within two days, are not forgotten",
    ],
    ["update audit_chains set last_sequence = 1", "audit_chains only moves forward"],
    ["update audit_chains set head_hash = 'x'", "audit_chains only moves forward"],
    ["update audit_chains set started_at = now()", "permission denied for table audit_chains"],
    ["update audit_chains set pruned_sequence = 1", "permission denied for table audit_chains"],
    [
      "insert into audit_events (id, at, kind, caller, method, count) values (gen_random_uuid(), now(), 'k', 'c', 'm', 1)",
      "audit_events_chained",
    ],
    [
      "select prune_audit_events(id, 0, 2, 'h', 'k', 'm') from audit_chains",
      "events younger than a day are not pruned",
    ],
  ])("cannot say: %s", async (statement, refusal) => {
    const storage = await open(serviceUrl);
    await storage.audit.append([event(), event()]);
    const before = [await owner`select * from audit_events`, await owner`select * from audit_chains`];
    const sql = connect(serviceUrl);
    await sql`select set_config('oauth_token_service.audit_pruning', 'on', false)`;
    await expect(sql.unsafe(statement)).rejects.toThrow(refusal);
    expect([await owner`select * from audit_events`, await owner`select * from audit_chains`]).toEqual(before);
  });

  test("keeps the changes of installations, also before it was granted to anew", async () => {
    const migration = new URL("../../../src/storage/migrations/0015_changes.sql", import.meta.url);
    const [granting = ""] = (await readFile(migration, "utf8")).split("--> statement-breakpoint").slice(-1);
    await owner.unsafe(`revoke all on installation_changes from ${role}`);
    await owner.unsafe(granting);
    const storage = await open(serviceUrl);
    const [made] = await storage.installations.connect(workspace("T1", "first"), slackContext(new Date()));
    const [change] = await storage.installationChanges.after(0, 10);
    expect(change).toMatchObject({ sequence: 1, kind: "created", installation: { id: made?.id } });
    expect(await storage.installationChanges.forget()).toBe(0);
  });

  test("leaves pruning to another role where that is not granted to it", async () => {
    const storage = await open(serviceUrl);
    await owner.unsafe(`revoke execute on function prune_audit_events from ${role}`);
    expect(await storage.record.prune(fiveDaysAgo())).toEqual({ allowed: false, rows: 0, broken: [] });
  });

  test("says so if it could change the record after all", async () => {
    const storage = await open(serviceUrl);
    await owner.unsafe(`grant delete on audit_events to ${role}`);
    expect(await storage.findProtectionGap()).toBe("privileges");
  });
});

describe("a role that owns the tables and may make no other", () => {
  test("migrates, prunes itself, is kept from mistakes, and is told that this is all", async () => {
    const { name, as } = await createRole();
    const url = await database({ empty: true });
    await connect(url).unsafe(`alter database ${new URL(url).pathname.slice(1)} owner to ${name}`);
    expect(await migrate(as(url))).toMatchObject({ code: 0 });
    const storage = await open(as(url), tenDaysAgo);
    await storage.audit.append([event(tenDaysAgo())]);
    expect(await storage.findProtectionGap()).toBe("owner");
    const sql = connect(as(url));
    await expect(sql`delete from audit_events`).rejects.toThrow("audit_events is append-only: delete is not allowed");
    await expect(sql`update audit_events set count = 2`).rejects.toThrow("audit_events is append-only: update");
    await expect(sql`truncate audit_events`).rejects.toThrow("audit_events is append-only: truncate");
    await expect(sql`delete from audit_chains`).rejects.toThrow("audit_chains is append-only: delete");
    const [pruner] =
      await sql`select pg_get_userbyid(proowner) as name from pg_proc where proname = 'prune_audit_events'`;
    expect(pruner?.name).toBe(name);
    expect(await storage.record.prune(fiveDaysAgo())).toEqual({ allowed: true, rows: 1, broken: [] });
  });

  test("is told the same as a superuser", async () => {
    expect(await (await open(await database())).findProtectionGap()).toBe("superuser");
  });
});
