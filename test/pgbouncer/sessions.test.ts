import postgres from "postgres";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { useService } from "../end-to-end/support/use-service.ts";

const replicas = 2;
const shared = useService({ replicas });
let console: postgres.Sql;

beforeAll(() => {
  const url = new URL(shared.service.databaseUrl);
  const admin = Object.assign(url, { port: String(inject("poolerPort")), pathname: "/pgbouncer" });
  console = postgres(admin.href, { max: 1, fetch_types: false, onnotice: () => undefined });
});
afterAll(() => console.end());

type Row = Readonly<Record<string, unknown>>;

/** Of the database of these tests alone; the console knows no other protocol. */
async function show(what: "CLIENTS" | "SERVERS" | "POOLS"): Promise<readonly Row[]> {
  const rows: readonly Row[] = await console.unsafe(`SHOW ${what}`).simple();
  return rows.filter(({ database }) => database === shared.sql.options.database);
}

test("everything but LISTEN goes through PgBouncer, and many calls share few sessions", async () => {
  const { service, callers } = shared;
  const { installation_id } = await service.connect("slack");
  // However long a busy machine takes over each of them.
  const isListed = async (n: number) =>
    (await callers[n % replicas]?.list().catch(() => undefined))?.installations[0]?.id === installation_id;
  await Promise.all(Array.from({ length: 12 }, (_, n) => until(() => isListed(n), "the list is answered")));

  expect((await show("POOLS")).map(({ pool_mode }) => pool_mode)).toEqual(["transaction"]);
  const clients = await show("CLIENTS");
  const servers = await show("SERVERS");
  expect(clients.length).toBeGreaterThan(servers.length);
  expect(new Set(clients.map(({ application_name }) => application_name))).toEqual(new Set(["oauth-token-service"]));

  const sessions = await shared.sql`select client_port, query from pg_catalog.pg_stat_activity
    where datname = current_database() and application_name = 'oauth-token-service'`;
  const pooled = new Set(servers.map(({ local_port }) => Number(local_port)));
  const direct = sessions.filter(({ client_port }) => !pooled.has(Number(client_port)));
  expect(sessions.length - direct.length).toBeGreaterThan(0);
  for (const { query } of direct) expect(query).toMatch(/^listen "|pg_notify/i);
});
