import postgres from "postgres";
import { test } from "vitest";
import { Secret } from "../../src/secret.ts";
import { openPostgres } from "../../src/storage/postgres.ts";
import { createTools, silentLog } from "../contract/harness.ts";
import { createTestDatabase } from "../support/database.ts";
test("million", async () => {
  const d = await createTestDatabase();
  const sql = postgres(d.url, { max: 1, onnotice: () => undefined });
  const cols = await sql`select column_name from information_schema.columns where table_name='installations'`;
  console.log(cols.map((c) => c.column_name).join());
  const n = 1_000_000;
  await sql`alter table installations disable trigger all`; await sql`alter table credentials disable trigger all`;
  await sql.unsafe(`insert into installations (id,platform,products,status,external_org_id,external_org_name,scopes,permissions,metadata,created_at,updated_at)
   select gen_random_uuid(), (array['github','slack','jira'])[i%3+1], '{github}', case when i%10=0 then 'suspended' else 'active' end, 'o'||i, 'name of organization '||i, '{read,write}', '{"contents":"read"}', '{"a":"b"}', now()-i*interval '1 second', now() from generate_series(1,${n}) i`);
  await sql.unsafe(`insert into credentials (id,platform,kind,actor,subject,status,version,access_token,refresh_token,key_id,issued_at,expires_at,grant_expires_at,scopes,permissions,failures,created_at)
   select gen_random_uuid(), (array['github','slack','jira'])[i%3+1], 'rotating','app','s'||i,'active',1,repeat('x',300),repeat('y',300),'0123456789abcdef',now(),now()+(i%100000)*interval '1 second', now()+interval '200 days','{}','{}',0,now() from generate_series(1,${n}) i`);
  await sql`analyze installations`; await sql`analyze credentials`;
  const storage = await openPostgres({ url: new Secret(d.url), log: silentLog, ...createTools() });
  for (let i = 0; i < 4; i++) { const t = performance.now(); const r = await storage.statistics.read(new Date()).catch((e) => String(e)); console.log(performance.now() - t, typeof r === "string" ? r : r.keys); }
  await storage.close(); await sql.end(); await d.drop();
}, 300_000);
