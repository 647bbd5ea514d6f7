import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import type { Caller } from "./support/caller.ts";
import { useService } from "./support/use-service.ts";

const role = `role_${randomBytes(6).toString("hex")}`;
afterAll(async () => {
  // Hooks run last to first: what has rights of the role is gone by now.
  const server = postgres(inject("databaseServerUrl"), { max: 1, onnotice: () => undefined });
  await server.unsafe(`drop role ${role}`).finally(() => server.end());
});
const shared = useService();
const key = randomBytes(32).toString("base64url");
let caller: Caller;

async function operator(...args: readonly string[]): Promise<{ code: number; lines: readonly string[] }> {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const env = { ...shared.service.databaseEnv(), TOKEN_ENCRYPTION_KEY: key };
  const world = { env, readFile: () => "", now: () => new Date(), random: randomBytes };
  return { code: await runCommand(args, { ...world, print: write, complain: write }), lines };
}

beforeAll(async () => {
  await shared.sql.unsafe(`create role ${role} login password 'test-password'`);
  expect(await operator("migrate", "--service-role", role)).toMatchObject({ code: 0 });
  const restricted = shared.service.databaseEnv({ username: role, password: "test-password" });
  caller = await shared.startReplica(restricted);
});
const raise = (condition: string) => `
  create or replace function refuse_audit() returns trigger language plpgsql as
    $$ begin raise ${condition}; end $$;
  create or replace trigger refuse_audit before insert on audit_events for each row execute function refuse_audit()`;

describe("a service that may not change the record, whose record cannot be written", () => {
  test("says nothing at start about an open record", () => {
    const lines = shared.service.world.lines.filter((line) => line.includes("audit.not_append_only"));
    // The first replica is a superuser in the tests; the other one is not.
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"gap":"superuser"');
  });

  test.each<[string, string, string]>([
    [
      "for want of the right to insert rows",
      `revoke insert on audit_events from ${role}`,
      `grant insert on audit_events to ${role}`,
    ],
    [
      "for want of the right to move its head",
      `revoke update, insert on audit_chains from ${role}`,
      `grant insert, update (updated_at, last_sequence, head_hash, key_id, mac) on audit_chains to ${role}`,
    ],
    ["because the disk is full", raise("disk_full"), "drop trigger refuse_audit on audit_events"],
    ["because a row is refused", raise("check_violation"), "drop trigger refuse_audit on audit_events"],
  ])("gives no token %s, and gives them again by itself", async (_, breakIt, repair) => {
    const { service, sql } = shared;
    const { installation_id } = await service.connect("slack");
    await sql.unsafe(breakIt);
    try {
      const answers = await Promise.all(Array.from({ length: 20 }, () => caller.getToken({ installation_id })));
      for (const { token, refusal } of answers) {
        expect(token).toBeUndefined();
        expect(refusal).toMatchObject({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
      }
      expect(await sql`select 1 from audit_events where kind = 'token.issued'`).toHaveLength(0);
    } finally {
      await sql.unsafe(repair);
    }
    const { token_id } = await caller.token({ installation_id });
    expect(await sql`select token_fingerprint from audit_events where kind = 'token.issued'`).toEqual([
      { token_fingerprint: token_id },
    ]);
  });

  test("still hands out what is on record, and writes the count of it afterwards", async () => {
    const { service, sql } = shared;
    const { installation_id } = await service.connect("slack");
    const first = await caller.token({ installation_id });
    await sql.unsafe(`revoke insert on audit_events from ${role}`);
    try {
      for (let n = 0; n < 5; n++) expect((await caller.token({ installation_id })).token_id).toBe(first.token_id);
    } finally {
      await sql.unsafe(`grant insert on audit_events to ${role}`);
    }
    const repeats = () => sql`select coalesce(sum(count), 0)::int as n from audit_events where kind = 'token.repeated'`;
    await until(async () => (await repeats())[0]?.n === 5, "the repeats are written");
  });
});
