import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getTableName, isTable } from "drizzle-orm/table";
import postgres from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { targetOf } from "../../../rig/postgres-target.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { Secret } from "../../../src/secret.ts";
import { openEmbeddedFiles } from "../../../src/storage/embedded/files.ts";
import { openEmbedded, openEmbeddedDatabase } from "../../../src/storage/embedded/open.ts";
import { copiedTables, leftTables } from "../../../src/storage/moving/copy-tables.ts";
import { moveToPostgres } from "../../../src/storage/moving/move-to-postgres.ts";
import { findKeyGap } from "../../../src/storage/moving/needed-keys.ts";
import { openPostgres } from "../../../src/storage/postgres/open.ts";
import { forgottenKey, markOf } from "../../../src/storage/record/forgotten-chains.ts";
import { verifyRecord } from "../../../src/storage/record/verify.ts";
import { openForReseal } from "../../../src/storage/resealing/postgres.ts";
import * as schema from "../../../src/storage/schema.ts";
import { parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createSealer } from "../../../src/storage/seal/sealer.ts";
import { jiraContext, sites, slackContext, workspace } from "../../contract/connections.ts";
import { silentLog } from "../../contract/harness.ts";
import { createTestDatabase, createTestDirectory } from "../../support/database.ts";

const now = () => new Date();
const key = randomBytes(32).toString("base64url");
const keys = parseKeyRing(new Secret(key));
const sealer = createSealer({ keys, cipher: "aes-256-gcm", now, random: randomBytes });
const tools = { sealer, now, random: randomBytes, log: silentLog };

test("every table is either copied or left on purpose", () => {
  const all = Object.values(schema).filter(isTable).map(getTableName).toSorted();
  expect([...copiedTables, ...leftTables].map(getTableName).toSorted()).toEqual(all);
});

const handOut: AuditEvent = {
  ...{ at: new Date("2026-01-02T03:04:05.678Z"), kind: "token.issued", caller: "ci", method: "GetToken", count: 1 },
  detail: 'a "quoted" word, a\nline and \u00e9',
};

async function prepare() {
  const { directory, remove } = await createTestDirectory();
  onTestFinished(remove);
  await writeFile(join(directory, "encryption.key"), `${key}\n`, { mode: 0o600 });
  const storage = await openEmbedded({ directory, ...tools });
  const [slack] = await storage.installations.connect(workspace("T1", "first"), slackContext(now(), "acme"));
  await storage.installations.connect(sites("person", "second", ["c1", "c2"]), jiraContext(now()));
  await storage.audit.append(Array.from({ length: 2_500 }, (_, n) => ({ ...handOut, requestId: `request ${n}` })));
  await storage.close();
  const database = await createTestDatabase({ empty: true });
  onTestFinished(() => database.drop());
  const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  const move = (changes: { dryRun?: boolean; keyIds?: readonly string[] } = {}) =>
    moveToPostgres({
      ...{ directory, target: targetOf(database.url), now, random: randomBytes },
      ...{ dryRun: false, keyIds: keys.map(({ id }) => id), ...changes },
    });
  return { directory, url: database.url, sql, slack, move };
}

async function onSource(directory: string, statement: string): Promise<void> {
  const { client, close } = await openEmbeddedDatabase(join(directory, "db"));
  await client.exec(statement);
  await close();
}

test("an embedded database is moved to Postgres as a whole, once, and is refused from then on", {
  timeout: 300_000,
}, async () => {
  const { directory, url, sql, slack, move } = await prepare();
  const half =
    "insert into attempts (id, platform, state_hash, browser_hash, expires_at) values ('a', 'p', 's', 'b', '2026-01-01T00:00:00.123Z')";
  const mark = markOf("00000000-0000-7000-8000-000000000000", sealer.recordSigner);
  await onSource(directory, `${half}; insert into meta (key, value) values ('${forgottenKey}', '${mark}')`);

  expect(await move({ dryRun: true })).toMatchObject({ kind: "moved", rows: { installations: 3 } });
  expect(await sql`select id from installations`).toHaveLength(0);

  const moved = await move();
  expect(moved).toMatchObject({
    ...{ kind: "moved", unreadable: 0 },
    rows: {
      installations: 3,
      credentials: 2,
      installation_credentials: 3,
      attempts: 1,
      audit_events: expect.any(Number),
    },
  });
  expect(await sql`select product from installation_products`).not.toHaveLength(0);
  expect(await sql`select expires_at::text from attempts`).toEqual([{ expires_at: "2026-01-01 00:00:00.123+00" }]);

  expect(await sql`select value from meta where key = ${forgottenKey}`).toEqual([{ value: mark }]);

  const storage = await openPostgres({ target: targetOf(url), ...tools });
  onTestFinished(() => storage.close());
  expect(await storage.installations.find(slack?.id ?? "")).toEqual(slack);
  // Who watched there goes on here: that rows came over is no change.
  const changes = await storage.installationChanges.after(0, 10);
  expect(changes.map(({ sequence, kind }) => [sequence, kind])).toEqual([1, 2, 3].map((n) => [n, "created"]));
  const { rowsByKey, missing, canaryOpens } = await storage.keyUsage.inspect();
  expect({ rows: [...rowsByKey.values()], missing, canaryOpens }).toEqual({
    rows: [2],
    missing: [],
    canaryOpens: true,
  });
  const { database, close } = await openForReseal(targetOf(url), randomBytes);
  onTestFinished(close);
  const ignored = () => undefined;
  const record = { database, signer: sealer.recordSigner, onChain: ignored, onFinding: ignored };
  expect(await verifyRecord(record)).toMatchObject({ findings: 0, unchained: 0, rows: 2_500 });

  await expect(openEmbedded({ directory, ...tools })).rejects.toThrow(/was moved to Postgres at \S+: set DATABASE_URL/);
  expect(await move()).toEqual({ kind: "moved before" });
});

test("a move that fails leaves nothing behind; one that was killed at its end is known again", {
  timeout: 300_000,
}, async () => {
  const { directory, sql, move } = await prepare();
  await move({ dryRun: true });
  await sql`create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'`;
  await sql`create trigger refused before insert on audit_events for each row execute function refuse()`;
  await expect(move()).rejects.toThrow();
  expect(await sql`select id from installations`).toHaveLength(0);
  await (await openEmbedded({ directory, ...tools })).close();

  await sql`drop trigger refused on audit_events`;
  await expect(move({ keyIds: ["other"] })).rejects.toThrow(
    `TOKEN_ENCRYPTION_KEY lacks the key ${keys[0]?.id}, without which what comes over cannot be opened: add what is in ${join(directory, "encryption.key")}`,
  );
  // An event that waits needs its key as well.
  const other = randomBytes(32).toString("base64url");
  const [otherKey] = parseKeyRing(new Secret(other));
  await writeFile(join(directory, "encryption.key"), `${key},${other}\n`, { mode: 0o600 });
  await onSource(
    directory,
    `insert into webhook_deliveries (platform, delivery_id, id, type, status, content, key_id, attempts, due_at, received_at)
     values ('github', 'd', gen_random_uuid(), 'github.issues', 'forward', 'sealed', '${otherKey?.id}', 0, now(), now())`,
  );
  await expect(move()).rejects.toThrow(`lacks the key ${otherKey?.id},`);
  await move({ keyIds: [...keys, otherKey].flatMap((one) => one?.id ?? []) });
  // What stands there if the process died between the two commits; of a first start that was killed there is nothing.
  for (const left of ["update meta set value = 'embedded'", "delete from meta"]) {
    const { client } = await openEmbeddedFiles(join(directory, "db"));
    await client.query(`${left} where key = 'database_kind'`);
    await client.close();
    expect(await move()).toEqual({ kind: "moved before" });
    await expect(openEmbedded({ directory, ...tools })).rejects.toThrow("was moved to Postgres");
  }
});

test("a service that runs on Postgres already, without installations, is no obstacle; what was sent on is not sent again", {
  timeout: 300_000,
}, async () => {
  const { directory, url, sql, move } = await prepare();
  const entered = (url: string) =>
    `insert into webhooks (subject, platform, url) values ('github', 'github', '${url}')`;
  const sentOn = (sequence: number) => `insert into meta (key, value) values ('forwarded_changes', '${sequence}')`;
  await onSource(directory, `${entered("https://before")}; ${sentOn(2)}`);
  await (await openPostgres({ target: targetOf(url), ...tools })).close();
  await sql.unsafe(`${entered("https://here")}; ${sentOn(7)}`);
  await sql`insert into installation_changes values (1, gen_random_uuid(), 'created', now(), '{}')`;
  await sql`insert into webhook_deliveries (platform, delivery_id, id, type, status, attempts, due_at, received_at)
    select platform, '1', gen_random_uuid(), 'a.b', 'forwarded', 1, now(), now()
    from unnest(array['installation', 'github']) platform`;

  expect(await move()).toMatchObject({ kind: "moved" });
  expect(await sql`select url from webhooks where subject = 'github'`).toEqual([{ url: "https://here" }]);
  expect(await sql`select value from meta where key = 'forwarded_changes'`).toEqual([{ value: "2" }]);
  expect(await sql`select platform from webhook_deliveries`).toEqual([{ platform: "github" }]);
  expect(await sql`select kind from installation_changes order by sequence`).toHaveLength(3);
});

test("nothing is mixed into a database that has installations", { timeout: 300_000 }, async () => {
  const { url, sql, move } = await prepare();
  const storage = await openPostgres({ target: targetOf(url), ...tools });
  await storage.installations.connect(workspace("T9", "theirs"), slackContext(now()));
  await storage.close();
  await expect(move()).rejects.toThrow("has installations of its own, and nothing is mixed or overwritten");
  expect(await sql`select id from installations`).toHaveLength(1);
});

test("keys that nobody has any more keep nobody from moving, but for a ring that opens nothing", () => {
  const kept = { path: "/data/encryption.key", ids: ["k1"] };
  const needed = new Map([
    ["k1", 3],
    ["lost", 1],
  ]);
  expect(findKeyGap(new Map(), ["k9"], kept)).toBeUndefined();
  expect(findKeyGap(needed, ["k1"], kept)).toBeUndefined();
  expect(findKeyGap(needed, ["k2", "k1"], kept)).toBeUndefined();
  expect(findKeyGap(needed, ["k9"], kept)).toContain("lacks the key k1,");
  expect(findKeyGap(needed, ["k9"], { ...kept, ids: [] })).toContain("opens nothing of what comes over");
});
