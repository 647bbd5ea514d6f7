import postgres from "postgres";
import { until } from "./gate.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { makeWorkDirectory, removeWorkDirectory } from "./work-directory.ts";

/** A primary and its standby by streaming replication. They change places; each keeps its address. */
export interface PostgresPair {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** Of both, for whoever wants the one that takes writes. The first server comes last. */
  urlOf(database: string): string;
  createDatabase(name: string): Promise<string>;
  /** Resolves when the standby has every commit so far. */
  catchUp(): Promise<void>;
  /** The same; and from then on the primary waits with every commit until its standby has it. */
  synchronize(): Promise<void>;
  /** Cuts the line between them: the standby hears of no further commit. */
  part(): Promise<void>;
  /** Makes the standby the primary, which waits for nobody yet. Resolves when it takes writes. */
  promote(): Promise<void>;
  /** Makes the former primary, which is dead, begin anew as the standby of the other. */
  replace(): Promise<void>;
  close(): Promise<void>;
}

/** WAL that a standby which is being made has not asked for yet. */
const kept = { wal_keep_size: "256MB" };

/** @param purpose as that of other folders of the run. */
export async function startPostgresPair(
  purpose: Parameters<typeof makeWorkDirectory>[0],
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresPair> {
  const directories: string[] = [];
  const start = async (standbyOf?: PostgresServer) => {
    const directory = await makeWorkDirectory(purpose);
    directories.push(directory);
    // However this process ends.
    process.once("exit", () => removeWorkDirectory(directory));
    const base = { directory, settings: { ...kept, ...settings } };
    return startPostgres(standbyOf === undefined ? base : { ...base, standbyOf });
  };
  const first = await start();
  const second = await start(first);
  let [primary, standby] = [first, second];
  const { username, password } = new URL(first.urlOf("postgres"));

  const configure = async (server: PostgresServer, name: string, value: string) => {
    await onServer(server, async (sql) => {
      await sql.unsafe(`alter system set ${name} = '${value}'`);
      await sql.unsafe("select pg_reload_conf()");
      await until(async () => (await sql.unsafe(`show ${name}`))[0]?.[name] === value, `${name} is ${value}`);
    });
  };
  const untilStandbyHasAll = (state: "async" | "sync") =>
    onServer(primary, async (sql) => {
      const [now] = await sql`select pg_current_wal_lsn()::text as lsn`;
      const lsn = String(now?.lsn);
      const has = () =>
        sql`select 1 from pg_stat_replication where sync_state = ${state} and flush_lsn >= ${lsn}::pg_lsn`;
      await until(async () => (await has()).length === 1, `the standby has every commit and is ${state}`);
    });

  const urlOf = (database: string) => {
    const hosts = [second, first].map(({ port }) => `127.0.0.1:${port}`).join();
    return `postgresql://${username}:${password}@${hosts}/${database}?target_session_attrs=read-write`;
  };
  return {
    get primary() {
      return primary;
    },
    get standby() {
      return standby;
    },
    urlOf,
    async createDatabase(name) {
      await primary.createDatabase(name);
      return urlOf(name);
    },
    catchUp: () => untilStandbyHasAll("async"),
    async synchronize() {
      await configure(primary, "synchronous_standby_names", "*");
      await untilStandbyHasAll("sync");
    },
    part: () => configure(standby, "primary_conninfo", ""),
    async promote() {
      await standby.promote();
      [primary, standby] = [standby, primary];
    },
    replace: () => standby.follow(primary),
    async close() {
      for (const server of [first, second]) await server.stop("immediate");
      for (const directory of directories) removeWorkDirectory(directory);
    },
  };
}

async function onServer(server: PostgresServer, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(server.urlOf("postgres"), { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}
