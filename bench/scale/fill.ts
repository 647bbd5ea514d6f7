import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { targetOf } from "../../rig/postgres-target.ts";
import { migratePostgres } from "../../src/storage/postgres/migrate.ts";
import { parseKeyRing } from "../../src/storage/seal/key-ring.ts";
import { encryptionKey } from "../encryption-key.ts";

/** Where the webhooks of a filled database send their events. */
export const filledBaseUrl = "http://localhost:8080";

export interface Filling {
  readonly url: string;
  readonly installations: number;
  /** Whether credentials hold texts as long as sealed tokens; without them the same rows take a fraction of the disk. */
  readonly withTokens: boolean;
}

/**
 * Migrates an empty database and fills it, by statements of its own, as one that was in use for two years: connections of
 * four platforms, few of them used today, some suspended, dead or revoked; a record, changes, events, and what is to be
 * pruned of everything. What is due is little, what rests is nearly all.
 */
export async function fillDatabase({ url, installations, withTokens }: Filling): Promise<void> {
  await migratePostgres(targetOf(url), randomBytes);
  // One after the other: to empty either of these is to wait for the other.
  await fillPart(url, [ofInstallations(installations)]);
  const credentials = [ofCredentials(installations, withTokens), ofUses(installations)];
  await Promise.all([fillPart(url, credentials), fillPart(url, [ofTheRest(installations)])]);
  await fillPart(url, analysed);
}

interface Part {
  readonly tables: readonly string[];
  readonly statements: string;
}

async function fillPart(url: string, parts: readonly Part[]): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    // No triggers: nobody has to be told, and what is inserted together refers to nothing else.
    await sql.unsafe("set session_replication_role = replica; set synchronous_commit = off");
    for (const { tables, statements } of parts) {
      const named = tables.map((table) => `'${table}'::regclass`).join(", ");
      // Built in one go afterwards, which takes a fraction of the time.
      const indexes =
        tables.length === 0
          ? []
          : await sql.unsafe<{ definition: string; name: string }[]>(`
              select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass::text as name
              from pg_index where indrelid in (${named}) and not indisprimary
                and not exists (select from pg_constraint where conindid = indexrelid)`);
      for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
      await sql.unsafe(statements);
      for (const { definition } of indexes) await sql.unsafe(definition);
    }
  } finally {
    await sql.end();
  }
}

/** The seconds that a row is old, of rows that came at equal intervals for two years. */
const twoYears = 2 * 365 * 86_400;
const id = (kind: number) => `(lpad(to_hex(n), 12, '0') || '700${kind}8000' || lpad(to_hex(n), 12, '0'))::uuid`;
const platform = "(array['github', 'github', 'github-oauth', 'jira', 'slack'])[1 + n % 5]";
const status = `case when n % 20 = 0 then 'revoked' when n % 100 = 1 then 'suspended'
  when n % 50 = 2 then 'reauthorization_required' else 'active' end`;
const createdAt = (rows: number) => `now() - (${rows} - n) * interval '${twoYears / rows} seconds' - interval '1 hour'`;
/** One in five was used today. */
const used = "n % 5 = 3";
const minted = "n % 5 in (0, 1)";

/** In the transaction that empties a table rows are not logged, where the server keeps no more than it needs itself. */
function ofInstallations(rows: number): Part {
  return {
    tables: ["installations", "installation_products"],
    statements: `
    begin;
    truncate installations, installation_products cascade;
    insert into installations (id, platform, products, status, owner, external_org_id, external_org_name,
        external_install_id, scopes, permissions, metadata, created_at, updated_at, connected_at, last_used_at, asked_at,
        revoked_at, provider_revocation, question, ask_after)
      select ${id(1)}, ${platform}, array[${platform}], ${status}, 'owner-' || n % ${Math.ceil(rows / 20)}, 'org-' || n,
        'Organization ' || n, n::text, array['read', 'write'], '{"contents": "read"}', '{"site": "https://example.test"}',
        ${createdAt(rows)}, ${createdAt(rows)}, ${createdAt(rows)},
        case when ${used} then now() - n % 80000 * interval '1 second' else now() - interval '40 days' end,
        now() - n % 86400 * interval '1 second',
        case when n % 20 = 0 then least(${createdAt(rows)} + interval '300 days', now()) end,
        case when n % 20 = 0 then 'revoked' end,
        case when n % 1000 = 7 then '{"id": "one", "about": "routine", "tries": 0, "contradicted": false}'::jsonb end,
        case when n % 1000 = 7 then now() + interval '10 minutes' end
      from generate_series(1::bigint, ${rows}) as n;
    insert into installation_products (installation_id, product, created_at)
      select ${id(1)}, ${platform}, ${createdAt(rows)} from generate_series(1::bigint, ${rows}) as n;
    commit;`,
  };
}

/** A few dozen are due, some thousand came due unused; the rest was passed over, or is not due yet. */
function ofCredentials(rows: number, withTokens: boolean): Part {
  // What is looked up and refreshed to see how fast that is has none: no key would open it.
  const text = withTokens ? "case when n % 20 <> 13 then repeat(md5(n::text), 14) end" : "null::text";
  const keyId = parseKeyRing(encryptionKey)[0].id;
  const due = "n % (5000) = 3";
  return {
    tables: ["credentials"],
    statements: `
    begin;
    truncate credentials cascade;
    insert into credentials (id, platform, owner, kind, actor, subject, registration, status, version, access_token,
        refresh_token, key_id, issued_at, expires_at, refresh_after, look_after, grant_expires_at, scopes, permissions,
        failures, failing_since, last_error, created_at, refreshed_at, proven_at)
      select ${id(2)}, ${platform}, 'owner-' || n % ${Math.ceil(rows / 20)},
        case when ${minted} then 'app_installation' else 'rotating' end, case when ${minted} then 'app' else 'user' end,
        'org-' || n, case when n % 50 = 4 then 'another@client' end, case when n % 50 = 2 then 'dead' else 'active' end, 3,
        ${text}, case when not ${minted} then ${text} end, '${keyId}', now() - interval '1 hour',
        now() + (n % 28800 - 3600) * interval '1 second',
        case when ${due} then now() - interval '1 minute' when ${used} then now() + interval '3 hours'
          else now() - interval '10 days' end,
        case when ${used} or n % 1000 = 8 then null when ${minted} then '9999-01-01'
          else now() + n % 864000 * interval '1 second' + interval '1 day' end,
        case when n % 5 = 3 then now() + n % 365 * interval '1 day' end,
        array['read', 'write'], '{}', case when n % 500 = 9 then 3 else 0 end,
        case when n % 500 = 9 then now() - interval '1 day' end, case when n % 500 = 9 then 'unavailable' end,
        ${createdAt(rows)}, now() - n % 864000 * interval '1 second', now() - n % 864000 * interval '1 second'
      from generate_series(1::bigint, ${rows}) as n where n % 20 > 0;
    commit;`,
  };
}

/** Once both of what it names are there: whoever empties one of them empties this. */
function ofUses(rows: number): Part {
  return {
    tables: ["installation_credentials"],
    statements: `
    begin;
    truncate installation_credentials;
    insert into installation_credentials (installation_id, credential_id, actor, "natural")
      select ${id(1)}, ${id(2)}, case when ${minted} then 'app' else 'user' end, true
      from generate_series(1::bigint, ${rows}) as n where n % 20 > 0;
    commit;`,
  };
}

function ofTheRest(rows: number): Part {
  const share = (one: number) => Math.ceil(rows / one);
  // Those of the platform that has them, as far as they are active.
  const site = "n % 5 = 3 and n % 20 > 0 and n % 100 <> 1 and n % 50 <> 2";
  return {
    tables: [
      ...["webhooks", "webhook_deliveries", "installation_changes", "audit_events", "rate_limits", "attempts"],
      ...["install_links", "link_codes", "link_accounts", "concerns"],
    ],
    statements: `
    insert into webhooks (subject, platform, installation_id, registered, url, external_ids, due_at, checked_at,
        registered_since, expires_at, delivered_at)
      select (${id(1)})::text, 'jira', ${id(1)}, true, '${filledBaseUrl}/webhooks/jira', array['1000'],
        now() + n % 21600 * interval '1 second' + interval '1 hour', now() - n % 21600 * interval '1 second',
        now() - interval '20 days', now() + interval '20 days', now() - interval '1 day'
      from generate_series(1::bigint, ${rows}) as n where ${site};
    insert into webhook_deliveries (platform, delivery_id, id, type, status, content, key_id, attempts, due_at, received_at)
      select 'github', n, gen_random_uuid(), 'github.issues.opened', case when n % 20 = 1 then 'dead' else 'done' end,
        case when n % 20 = 1 then repeat('x', 600) end, case when n % 20 = 1 then '${parseKeyRing(encryptionKey)[0].id}' end,
        1, now() - n * interval '1 second', now() - n * interval '1 second' * ${700_000 / share(10)}
      from generate_series(1, ${share(10)}) as n;
    insert into installation_changes (sequence, installation_id, kind, at, installation)
      select n, ${id(1)}, 'updated', now() - (${share(50)} - n) * interval '1 second' * ${700_000 / share(50)},
        jsonb_build_object('id', ${id(1)}, 'platform', 'github', 'products', array['github'], 'status', 'active',
          'externalOrgId', 'org', 'externalOrgName', 'Organization', 'scopes', array['read'], 'permissions', '{}'::jsonb,
          'metadata', '{}'::jsonb, 'createdAt', now(), 'updatedAt', now())
      from generate_series(1::bigint, ${share(50)}) as n;
    insert into audit_events (id, at, kind, caller, method, installation_id, token_fingerprint, address, request_id, count,
        owner, platform, policy_hash, chain_id, sequence, previous_hash, hash)
      select ${id(3)}, ${createdAt(share(5))}, case n % 1000 when 1 then 'installation.revoked' when 2 then 'token.issued'
          else 'token.repeated' end, 'caller-' || n % 7, 'GetToken', ${id(1)}, md5(n::text) || md5(n::text), '10.0.0.1',
        '0190b5d2-5b4e-7c3a-9d6e-2f1a3b4c5d6e', 300, 'owner-' || n % ${share(20)}, ${platform}, repeat('ab', 32),
        (lpad(to_hex(n / 10000), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 1 + n % 10000, repeat('ab', 32),
        md5(n::text) || md5(n::text)
      from generate_series(1::bigint, ${share(5)}) as n;
    insert into audit_chains (id, started_at, updated_at, last_sequence, head_hash, key_id, mac)
      select (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, now() - interval '100 days',
        now() - n * interval '1 minute', 10000, repeat('ab', 32), '${parseKeyRing(encryptionKey)[0].id}', 'mac'
      from generate_series(0, 20000) as n;
    insert into rate_limits (key, count, ends_at)
      select 'start ' || n, 1, now() - interval '1 minute' from generate_series(1, ${share(100)}) as n;
    insert into attempts (id, platform, state_hash, browser_hash, expires_at, begun_at)
      select md5(n::text), 'github', md5(n::text), md5(n::text), now() - interval '2 days', now() - interval '2 days'
      from generate_series(1, ${share(100)}) as n;
    insert into install_links (secret_hash, platform, facts, created_at, expires_at)
      select md5(n::text), 'github', '{}', now() - interval '2 days', now() - interval '2 days'
      from generate_series(1, ${share(100)}) as n;
    insert into link_codes (id, platform, product, caller, holder, code_hash, key_id, secret_hash, state, started_at,
        expires_at)
      select gen_random_uuid(), 'github', 'github', 'cli', 'cli', md5(n::text), 'key', md5(n::text), 'denied',
        now() - interval '2 days', now() - interval '2 days' from generate_series(1, ${share(100)}) as n;
    insert into link_accounts (id, platform, product, caller, installation_ids, created_ids, connected_at, secret_hash,
        used_at)
      select gen_random_uuid(), 'github', 'github', 'cli', array[${id(1)}], '{}', now() - interval '200 days', md5(n::text),
        now() - n % 1000 * interval '1 hour' - case when n % 100 = 0 then interval '190 days' else '0' end
      from generate_series(1::bigint, ${share(20)}) as n;
    insert into concerns (installation_id, kind, id, platform, since, noted_at)
      select ${id(1)}, 'reauthorization_required', gen_random_uuid(), ${platform}, now(), now()
      from generate_series(1::bigint, ${rows}) as n where n % 100 = 2;
    insert into meta (key, value) select 'clock', concat(ms, ' ', ms - 864000000)
      from (select floor(extract(epoch from now()) * 1000)::bigint as ms) as clock
      on conflict (key) do update set value = excluded.value;`,
  };
}

const analysed: readonly Part[] = ["vacuum analyze", "checkpoint"].map((statements) => ({ tables: [], statements }));
