import postgres from "postgres";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { until } from "../../../rig/gate.ts";
import { startService, type TestService, type TestServiceOptions } from "../../support/service.ts";
import { type Caller, createCaller } from "./caller.ts";
import { notePlatformSecrets, type PlatformSecrets } from "./platform-secrets.ts";

/** What the tests of a file share: a service that each of them finds empty. Valid from `beforeAll` on. */
export interface SharedService {
  readonly service: TestService;
  /** One per replica. */
  readonly callers: readonly Caller[];
  /** A caller of the first replica. */
  readonly caller: Caller;
  readonly sql: postgres.Sql;
  readonly secrets: PlatformSecrets;
  /** Requests that have reached any platform so far. */
  platformCalls(): number;
  /** A caller of one more replica with other settings. */
  startReplica(env: Readonly<Record<string, string>>): Promise<Caller>;
  /** For a test in which a platform rightly complains about us. */
  expectFaults(): void;
}

/**
 * Starts a service for the tests of a file. After each test no platform may have complained about us, and no token may
 * stand in a log line or in the database.
 */
export function useService(options: TestServiceOptions = {}): SharedService {
  let service: TestService | undefined;
  let sql: postgres.Sql | undefined;
  let faultsExpected = false;
  const callers: Caller[] = [];
  const secrets = notePlatformSecrets();
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the service is started before the tests, not before the file");
    return value;
  };
  const faults = () => Object.values(platformsOf(started(service))).flatMap((platform) => platform.faults);
  let earlierFaults = 0;

  beforeAll(async () => {
    service = await startService({ fetch: secrets.fetch, ...options });
    sql = postgres(service.databaseUrl, { max: 3, onnotice: () => undefined });
    for (const replica of service.replicas) callers.push(createCaller(replica));
  });
  afterAll(async () => {
    for (const caller of callers) caller.close();
    await sql?.end();
    await service?.close();
  });
  beforeEach(async () => {
    // What a platform told last may still be being ended.
    await until(async () => (await unfinished(started(sql))) === 0, "they are finished", 3_000).catch(() => undefined);
    // By rows, since their triggers tell the replicas.
    for (const table of ["credentials", "installations", "attempts", "install_links", "pending_installs"]) {
      await started(sql)`delete from ${started(sql)(table)}`;
    }
    await emptyRecord(started(sql));
    await Promise.all(callers.map((caller) => caller.forgotten()));
    for (const { controls } of Object.values(platformsOf(started(service)))) {
      controls.recover();
      controls.delayMs = 0;
      controls.beforeTokenAnswer = async () => undefined;
      controls.setDecision("approve");
    }
    started(service).sandbox.github.controls.signIn("mona");
    started(service).sandbox.github.controls.chooseAccount("acme");
    started(service).sandbox.atlassian.controls.signIn("alice");
    started(service).sandbox.slack.controls.signIn("U0ALICE01");
    started(service).sandbox.slack.controls.chooseTeam("T0ACME001");
    started(service).sandbox.sentry.controls.chooseOrganization("acme");
    // Where it is installed it is not installed again.
    started(service).sandbox.sentry.controls.uninstallEverywhere();
    earlierFaults = faults().length;
    faultsExpected = false;
  });
  afterEach(async () => {
    if (!faultsExpected) expect(faults().slice(earlierFaults)).toEqual([]);
    const kept = started(service).world.lines.join("\n") + (await dump(started(sql)));
    expect(secrets.all.filter((secret) => kept.includes(secret))).toEqual([]);
  });

  return {
    get service() {
      return started(service);
    },
    callers,
    get caller() {
      return started(callers[0]);
    },
    get sql() {
      return started(sql);
    },
    secrets,
    platformCalls: () =>
      Object.values(platformsOf(started(service))).reduce((sum, platform) => sum + platform.calls.length, 0),
    async startReplica(env) {
      const caller = createCaller(await started(service).startReplica(env));
      callers.push(caller);
      return caller;
    },
    expectFaults() {
      faultsExpected = true;
    },
  };
}

async function unfinished(sql: postgres.Sql): Promise<number> {
  const rows = await sql`select 1 from installations where status = 'revoked' and provider_revocation is null`;
  return rows.length;
}

/** The record is append-only, but for a superuser who switches its triggers off. */
async function emptyRecord(sql: postgres.Sql): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`delete from audit_events`;
  });
}

/** Every row of every table as text. */
export async function dump(sql: postgres.Sql): Promise<string> {
  const tables = await sql`select tablename from pg_tables where schemaname = 'public'`;
  const rows = await Promise.all(tables.map(({ tablename }) => sql`select t::text as row from ${sql(tablename)} as t`));
  return rows.flatMap((all) => all.map(({ row }) => String(row))).join("\n");
}

function platformsOf({ sandbox: { github, atlassian, slack, sentry } }: TestService) {
  return { github, atlassian, slack, sentry };
}
