import type { Hands } from "./hands.ts";
import { createPerson } from "./person.ts";
import type { Target } from "./target.ts";

/** Everything that can be read without asking for a token. */
export async function look(hands: Hands): Promise<void> {
  const { target, callers } = hands;
  const { sql } = target;
  await callers.http("/health");
  await callers.http("/health?full=1");
  await callers.http("/metrics");
  await callers.http("/oauth/installations");
  await callers.http("/oauth/installations?status=revoked&page_size=3");
  await callers.connect("ListInstallations", { page_size: 2 });
  await callers.grpc("ListInstallations", { page_size: 500 });
  for (const { id } of await sql`select id from installations`) {
    await callers.grpc("GetInstallation", { installation_id: id });
  }
  await callers.reflect();
  const person = createPerson(target);
  for (const path of ["/health", "/v1/healthz", "/", "/metrics"]) await person.get(path);
  await dump(target);
}

/** Every row of every table, as text. */
async function dump({ sql, outputs }: Target): Promise<void> {
  const tables = await sql`
    select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`;
  for (const { schemaname, tablename } of tables) {
    const rows = await sql.unsafe(`select t::text as row from ${schemaname}.${tablename} t`);
    for (const { row } of rows) outputs.push({ where: `table ${tablename}`, text: row });
  }
}
