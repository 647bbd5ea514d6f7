import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { targetOf } from "../../rig/postgres-target.ts";
import { createPostgresPool } from "../../src/storage/postgres/pool.ts";
import { createStorage, type Storage } from "../../src/storage/storage.ts";
import { createTestSealer, silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";

const rows = 20_000;
const now = new Date();
const dayMs = 24 * 3_600_000;
const ago = (ms: number) => new Date(now.getTime() - ms);
const sealer = createTestSealer();
let url: string;
let client: postgres.Sql;
let close: () => Promise<void>;

beforeAll(async () => {
  const database = await createTestDatabase();
  url = database.url;
  client = postgres(url, { max: 1, onnotice: () => undefined });
  close = async () => {
    await client.end();
    await database.drop();
  };
  // Most rest, since nobody uses them; what platforms were asked is not answered; what was revoked is kept for a year.
  await client.unsafe(`
    set session_replication_role = replica;
    insert into installations (id, platform, products, status, external_org_id, external_org_name, scopes, permissions,
        metadata, created_at, updated_at, asked_at, ask_after, question, revoked_at, provider_revocation)
      select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'jira', array['jira'],
        case when n % 20 = 0 then 'revoked' when n % 20 = 1 then 'suspended' else 'active' end, n, n, '{}', '{}', '{}',
        now() - interval '800 days', now(), case when n % 2 = 0 then now() end,
        case when n % 2 = 1 and n % 20 > 0 then now() + interval '10 minutes' end,
        case when n % 2 = 1 then '{"id": "one", "about": "routine", "tries": 0, "contradicted": false}'::jsonb end,
        case when n % 20 = 0 then now() - interval '100 days' end, case when n % 20 = 0 then 'revoked' end
      from generate_series(1, ${rows}) as n;
    insert into credentials (id, platform, kind, actor, subject, registration, status, version, key_id, access_token,
        expires_at, refresh_after, grant_expires_at, refused_by, scopes, permissions, failures, created_at, refreshed_at,
        look_after)
      select id, platform, 'rotating', 'user', external_org_id, case when external_org_id::int % 2 = 0 then 'own' end,
        case when external_org_id::int % 2 = 0 then 'active' else 'dead' end, 1, '${sealer.keyIds[0]}', 'sealed',
        now() - interval '1 day', now() - interval '2 days', now() + interval '10 days',
        case when external_org_id::int % 2 = 1 then 'own' end, '{}', '{}', 0, created_at, now() - interval '3 days',
        now() + interval '20 days'
      from installations;
    insert into installation_credentials (installation_id, credential_id, actor, "natural")
      select id, id, 'user', true from installations;
    insert into webhooks (subject, platform, installation_id, registered, url, due_at, checked_at)
      select id::text, platform, id, true, 'https://here.example', now() + interval '3 hours', now() - interval '3 hours'
      from installations;
    insert into webhook_deliveries (platform, delivery_id, id, type, status, content, key_id, attempts, due_at, received_at)
      select 'jira', n, gen_random_uuid(), 'jira.issue', 'forward', 'sealed', 'another', 1, now(), now()
      from generate_series(1, ${rows}) as n;
    insert into link_accounts (id, platform, product, caller, installation_ids, created_ids, connected_at, secret_hash, used_at)
      select gen_random_uuid(), 'jira', 'jira', 'cli', '{}', '{}', now(), 'hash', now() from generate_series(1, ${rows});
    set session_replication_role = origin;`);
  await client.unsafe("vacuum analyze");
});

afterAll(() => close());

const due = {
  platform: "jira",
  now,
  rotatingUsedSince: ago(dayMs),
  mintedUsedSince: ago(dayMs / 24),
  refreshedBefore: ago(30 * dayMs),
  limit: 200,
  registration: "own",
};
const lease = { id: "lease", leaseMs: 60_000, now };

/** What of a round has to find little, by what it reads at most of all these rows. */
const rounds: Readonly<Record<string, readonly [most: number, (storage: Storage) => Promise<unknown>]>> = {
  "due refreshes": [100, ({ credentials }) => credentials.due(due)],
  "what was refused to another client": [100, ({ credentials }) => credentials.reviveRefused("jira", "own")],
  "what another client was given": [100, ({ credentials }) => credentials.countForeign(new Map([["jira", "own"]]))],
  "doubted deaths": [100, ({ credentials }) => credentials.doubts()],
  "keys, counted to 10,000": [12_000, ({ keyUsage }) => keyUsage.inspect(true)],
  "questions due": [100, ({ questions }) => questions.due()],
  "questions taken": [100, ({ questions }) => questions.take("jira", 50, 5_000)],
  "webhooks due": [100, ({ webhooks }) => webhooks.takeDue("jira", "jira", lease)],
  "webhooks elsewhere": [100, ({ webhooks }) => webhooks.wakeElsewhere("jira", "https://here.example", now)],
  "webhooks without a token": [100, ({ webhooks }) => webhooks.putOff("jira", "jira", now)],
  "webhooks at start": [2_000, ({ webhooks }) => webhooks.wake("jira", "https://here.example", 200, now)],
  "webhooks that are missing, a part": [25_000, ({ webhooks }) => webhooks.wakeMissing("jira", "jira", now, undefined)],
  "events that another key opens": [
    100,
    ({ deliveries }) => deliveries.take("forward", { rows: 8, bytes: 1e6 }, 11_000),
  ],
  "revoked for long": [100, ({ installations }) => installations.forgetRevoked(ago(400 * dayMs))],
  "accounts unused for long": [100, ({ linkAccounts }) => linkAccounts.prune(ago(180 * dayMs), ago(dayMs))],
};

test.each(Object.entries(rounds))("%s: what rests is not looked at", async (_name, [most, run]) => {
  const pool = createPostgresPool({
    ...{ target: targetOf(url), maxConnections: 1, pooled: false, random: randomBytes, log: silentLog },
  });
  const storage = createStorage(pool, { sealer, now: () => now, random: randomBytes }, async () => undefined);
  await client.unsafe("select pg_stat_reset()");
  await run(storage);
  // What a connection counted is known once it has ended.
  await pool.close();
  const [read] = await client<{ rows: string }[]>`
    select sum(seq_tup_read) + sum(idx_tup_fetch)
      + (select sum(idx_tup_read) from pg_stat_user_indexes) as rows
    from pg_stat_user_tables`;
  expect(Number(read?.rows)).toBeLessThan(most);
});
