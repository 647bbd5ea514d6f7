import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import type { AuditEvent } from "../../src/domain/model/audit-event.ts";
import { Secret } from "../../src/secret.ts";
import { openEmbedded } from "../../src/storage/embedded/open.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { generateKey, parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../src/storage/seal/sealer.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { silentLog } from "../contract/harness.ts";
import { createTestDatabase, createTestDirectory } from "../support/database.ts";

const [former, latest] = [0, 0].map(() => generateKey(randomBytes).reveal()) as [string, string];
const now = () => new Date();
const toolsOf = (keys: string) => ({
  sealer: createSealer({ keys: parseKeyRing(new Secret(keys)), cipher: "fernet", now, random: randomBytes }),
  ...{ now, random: randomBytes, log: silentLog },
});
const event = (): AuditEvent => ({ kind: "token.issued", at: now(), caller: "ci", method: "GetToken", count: 1 });

interface Result {
  readonly code: number;
  readonly lines: readonly Record<string, unknown>[];
  readonly stderr: string;
}

/** Runs a command with these settings and no others. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Result> {
  const [printed, complained]: [string[], string[]] = [[], []];
  const code = await runCommand(args, {
    ...{ env, now, random: randomBytes, readFile: () => "" },
    print: (line) => void printed.push(line),
    complain: (line) => void complained.push(line),
  });
  return { code, lines: printed.map((line) => JSON.parse(line)), stderr: complained.join("\n") };
}

describe("audit verify on Postgres", () => {
  async function prepare(keys = former) {
    const database = await createTestDatabase();
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    const opened: Storage[] = [];
    onTestFinished(async () => {
      await sql.end();
      for (const storage of opened) await storage.close();
      await database.drop();
    });
    const open = async () => {
      const storage = await openPostgres({ target: targetOf(database.url), ...toolsOf(keys) });
      opened.push(storage);
      return storage;
    };
    return { sql, open, env: (ring: string) => ({ DATABASE_URL: database.url, TOKEN_ENCRYPTION_KEY: ring }) };
  }

  test("says of each chain that it is whole, and counts", async () => {
    const { open, env } = await prepare();
    await (await open()).audit.append([event(), event()]);
    await (await open()).record.witness();
    const { code, lines, stderr } = await run(["audit", "verify"], env(former));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lines).toHaveLength(3);
    expect(lines.slice(0, 2)).toMatchObject([
      { event: "audit.chain", ok: true, rows: 2 },
      { event: "audit.chain", ok: true, rows: 1 },
    ]);
    expect(lines[2]).toEqual({ event: "audit.verified", chains: 2, rows: 3, findings: 0, unchained: 0 });
  });

  test("names the first row that is wrong, and fails", async () => {
    const { open, env, sql } = await prepare();
    await (await open()).audit.append([event(), event(), event()]);
    await sql`set session_replication_role = replica`;
    const [row] = await sql`update audit_events set caller = 'nobody' where sequence = 2 returning id`;
    const { code, lines, stderr } = await run(["audit", "verify"], env(former));
    expect(code).toBe(1);
    expect(lines[0]).toMatchObject({ event: "audit.chain", ok: false, flaw: "changed", sequence: 2, id: row?.id });
    expect(lines[1]).toMatchObject({ event: "audit.verified", findings: 1 });
    expect(stderr).toContain("the record is not what was written");
  });

  test("names a chain that is gone", async () => {
    const { open, env, sql } = await prepare();
    const first = await open();
    await first.audit.append([event()]);
    const [chain] = await sql`select id from audit_chains`;
    await (await open()).record.witness();
    await sql`set session_replication_role = replica`;
    await sql`delete from audit_events where kind = 'token.issued'`;
    await sql`delete from audit_chains where id = ${chain?.id}`;
    const { code, lines } = await run(["audit", "verify"], env(former));
    expect(code).toBe(1);
    expect(lines).toContainEqual(
      expect.objectContaining({ event: "audit.finding", flaw: "missing", chainId: chain?.id }),
    );
  });

  test("takes a time, and understands nothing else", async () => {
    const { open, env } = await prepare();
    await (await open()).audit.append([event()]);
    const since = (text: string) => run(["audit", "verify", "--from", text], env(former));
    expect((await since("2020-01-01")).lines).toHaveLength(2);
    expect((await since("2999-01-01T00:00:00Z")).lines).toMatchObject([{ event: "audit.verified", chains: 0 }]);
    for (const args of [["--from"], ["--from", "yesterday"], ["--from", "2020-01-01", "x"], ["x"]]) {
      expect(await run(["audit", "verify", ...args], {})).toMatchObject({ code: 2, lines: [] });
    }
  });

  test("after rotate needs the new key alone, and without rotate says that a key is missing", async () => {
    const { open, env } = await prepare();
    await (await open()).audit.append([event()]);
    const early = await run(["audit", "verify"], env(latest));
    expect(early).toMatchObject({ code: 1, lines: [{ ok: false, flaw: "unverifiable" }, {}] });
    const rotated = await run(["rotate"], env(`${latest},${former}`));
    expect(rotated).toMatchObject({ code: 0, stderr: "" });
    expect(rotated.lines).toContainEqual({ event: "rotate.record", resigned: 1, unverifiable: 0 });
    const late = await run(["audit", "verify"], env(latest));
    expect(late).toMatchObject({ code: 0, stderr: "" });
    // The event, and that the rotation began and ended.
    expect(late.lines.at(-1)).toMatchObject({ chains: 2, rows: 3, findings: 0 });
    expect((await run(["rotate"], env(latest))).lines).toMatchObject([{ event: "rotate.done", resealed: 0 }]);
  });

  test("says what is wrong with a database it cannot use, and no password", async () => {
    const url = "postgres://me:canary@127.0.0.1:1/tokens";
    const { code, stderr } = await run(["audit", "verify"], { DATABASE_URL: url, TOKEN_ENCRYPTION_KEY: former });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cannot use the database \(host 127\.0\.0\.1, port 1, database tokens\): ECONNREFUSED/);
    expect(stderr).not.toContain("canary");
  });
});

test("audit verify works on the embedded database while no service runs", async () => {
  const { directory, remove } = await createTestDirectory();
  onTestFinished(remove);
  await writeFile(join(directory, "encryption.key"), `${former}\n`, { mode: 0o600 });
  const storage = await openEmbedded({ directory, ...toolsOf(former) });
  await storage.audit.append([event(), event()]);
  await storage.close();
  const { code, lines } = await run(["audit", "verify"], { DATA_DIR: directory });
  expect(code).toBe(0);
  expect(lines).toMatchObject([
    { event: "audit.chain", ok: true, rows: 2 },
    { event: "audit.verified", chains: 1, findings: 0 },
  ]);
});
