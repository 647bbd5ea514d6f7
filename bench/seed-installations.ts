import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { targetOf } from "../rig/postgres-target.ts";
import { migratePostgres } from "../src/storage/postgres/migrate.ts";

/**
 * Migrates an empty database and fills it with so many installations, each with a credential that holds no token, as
 * if one had been connected every ten seconds: ten owners, one in twenty suspended, platforms in turn.
 */
export async function seedInstallations(
  url: string,
  count: number,
  platforms: readonly string[] = ["github", "github-oauth", "jira", "slack"],
): Promise<void> {
  await migratePostgres(targetOf(url), randomBytes);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    // Only while seeding: nobody would miss these rows after a crash.
    await sql.unsafe("set synchronous_commit = off");
    // No triggers: nobody has to be told, and what is inserted together refers to nothing else.
    await sql.unsafe("set session_replication_role = replica");
    // Built in one go afterwards, which takes a fraction of the time.
    const indexes = await sql`
      select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass::text as name
      from pg_index
      where indrelid in ('installations'::regclass, 'credentials'::regclass, 'installation_credentials'::regclass,
          'installation_products'::regclass)
        and not indisprimary
    `;
    for (const { name } of indexes) await sql.unsafe(`drop index ${name}`);
    await sql.unsafe(insertRows(count, platforms));
    for (const { definition } of indexes) await sql.unsafe(definition);
    await sql.unsafe("vacuum analyze");
  } finally {
    await sql.end();
  }
}

/** Ids as the service makes them: UUIDv7 of the time of connecting. */
function insertRows(count: number, platforms: readonly string[]): string {
  const names = platforms.map((name) => `'${name}'`).join(", ");
  return `
    begin;
    create temporary table seed on commit drop as
      select n, uuidv7(age) as id, uuidv7(age) as credential_id, now() + age as at,
        (array[${names}])[1 + n % ${platforms.length}] as platform, 'owner-' || (n / 7 % 10) as owner
      from generate_series(1, ${count}) as n, lateral (select (n - ${count}) * interval '10 seconds' as age) as ages;
    insert into installations (id, platform, products, status, owner, external_org_id, external_org_name, scopes,
        permissions, metadata, created_at, updated_at)
      select id, platform, array[platform], case n % 20 when 0 then 'suspended' else 'active' end, owner, 'org-' || n,
        'Organization ' || n, array['read', 'write'], '{"contents": "read"}', '{"site": "https://example.test"}', at, at
      from seed;
    insert into credentials (id, platform, owner, kind, actor, subject, status, version, scopes, permissions, failures,
        created_at, refreshed_at)
      select credential_id, platform, owner, 'app_installation', 'app', 'org-' || n, 'active', 1,
        array['read', 'write'], '{}', 0, at, at
      from seed;
    insert into installation_credentials (installation_id, credential_id, actor, "natural")
      select id, credential_id, 'app', true from seed;
    insert into installation_products (installation_id, product, created_at) select id, platform, at from seed;
    commit;
  `;
}
