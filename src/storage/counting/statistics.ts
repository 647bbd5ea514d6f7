import { type SQL, sql } from "drizzle-orm/sql";
import type { InstallationStatus } from "../../domain/model/installation.ts";
import {
  horizonSeconds,
  type Pressing,
  type Statistics,
  type StatisticsRepository,
  type WebhookState,
  waitingTasks,
} from "../../domain/model/telemetry.ts";
import type { Database } from "../database.ts";
import { countConcerns } from "../health/count-concerns.ts";
import { credentials, installations, webhookDeliveries, webhooks } from "../schema.ts";
import { readInStretches } from "./stretches.ts";

/** One group of rows that have everything but their number in common. */
interface Group {
  readonly platform: string;
  /** Null for a group of anything but installations. */
  readonly status: InstallationStatus | null;
  /** Null for a group of anything but webhooks. */
  readonly webhook: WebhookState | null;
  /** Null where nothing is sealed. */
  readonly keyId: string | null;
  /** How many of the horizons lie before the end; null if that is not counted. */
  readonly tokenBucket: number | null;
  readonly grantBucket: number | null;
  /** To the next end of a token that still works. */
  readonly seconds: number | null;
  readonly count: number;
}

/** Each table is read once, in stretches. */
export function createStatisticsRepository(database: Database): StatisticsRepository {
  return {
    async read(now) {
      const groups = [
        ...(await readInStretches(database, installations, (db, stretch) =>
          db.select(columns).from(countedInstallations(stretch)),
        )),
        ...(await readInStretches(database, credentials, (db, stretch) =>
          db.select(columns).from(countedCredentials(stretch, now)),
        )),
        ...(await readInStretches(database, webhooks, (db, stretch) =>
          db.select(columns).from(countedWebhooks(stretch, now)),
        )),
      ];
      return toStatistics(groups);
    },
    readPressing: async () => ({ waiting: await readWaiting(database), ...(await countConcerns(database)) }),
  };
}

/** So many of each are counted: more of them are as many for whoever is woken. */
const mostWaiting = 100_000;

/** In the words of the index, which is on little of the table. */
async function readWaiting(database: Database): Promise<Pressing["waiting"]> {
  const { status, receivedAt } = webhookDeliveries;
  const waits = sql`from ${webhookDeliveries} where ${status} = task and ${status} in ('apply', 'forward', 'alert', 'dead')`;
  const oldest = sql`(select ${receivedAt} ${waits} order by ${receivedAt} limit 1)`;
  const rows = await database.read((db) =>
    db
      .select({
        task: sql<Pressing["waiting"][number]["task"]>`task`,
        count: sql`(select count(*) from (select ${waits} limit ${sql.raw(String(mostWaiting))}) as few)`.mapWith(
          Number,
        ),
        oldestSeconds: sql`coalesce(extract(epoch from clock_timestamp() - ${oldest}), 0)::float8`.mapWith(Number),
      })
      .from(sql`unnest(array[${sql.join([...waitingTasks], sql`, `)}]::text[]) as tasks(task)`),
  );
  return rows.filter(({ count }) => count > 0);
}

const columns = {
  platform: sql<string>`platform`,
  status: sql<InstallationStatus | null>`status`,
  webhook: sql<WebhookState | null>`webhook`,
  keyId: sql<string | null>`key_id`,
  tokenBucket: sql<number | null>`token_bucket`,
  grantBucket: sql<number | null>`grant_bucket`,
  seconds: sql<number | null>`seconds`,
  count: sql<number>`rows`,
};

function countedInstallations(stretch: SQL) {
  return sql`(
    select ${installations.platform} as platform, ${installations.status} as status, null::text as webhook,
      null::text as key_id, null::int as token_bucket, null::int as grant_bucket, null::float8 as seconds,
      count(*)::int as rows
    from ${installations} where ${stretch} group by 1, 2
  ) as counted`;
}

/** Only tokens that are refreshed count: others are minted when they are asked for, or never end. */
function countedCredentials(stretch: SQL, now: Date) {
  const bucket = (end: unknown, horizons: readonly number[]) =>
    sql`width_bucket(${end}, array[${sql.join(
      horizons.map((horizon) => at(now, horizon)),
      sql`, `,
    )}])`;
  const { status, kind, platform, keyId, expiresAt, grantExpiresAt } = credentials;
  const refreshed = sql`${status} = 'active' and ${kind} = 'rotating'`;
  return sql`(
    select ${platform} as platform, null::text as status, null::text as webhook, ${keyId} as key_id,
      case when ${refreshed} then ${bucket(expiresAt, horizonSeconds.token)} end as token_bucket,
      case when ${status} = 'active' then ${bucket(grantExpiresAt, horizonSeconds.grant)} end as grant_bucket,
      extract(epoch from min(${expiresAt}) filter (where ${refreshed} and ${expiresAt} > ${at(now)}) - ${at(now)})::float8
        as seconds,
      count(*)::int as rows
    from ${credentials} where ${stretch} group by 1, 4, 5, 6
  ) as counted`;
}

function countedWebhooks(stretch: SQL, now: Date) {
  const { platform, installationId, dueAt, error, expiresAt, silentSince, registered } = webhooks;
  return sql`(
    select ${platform} as platform, null::text as status, case
        when ${installationId} is null and ${dueAt} is null then 'by_hand'
        when ${error} is not null or ${expiresAt} <= ${at(now)} then 'failed'
        when ${silentSince} is not null then 'silent'
        when ${registered} then 'registered'
        else 'waiting' end as webhook,
      null::text as key_id, null::int as token_bucket, null::int as grant_bucket, null::float8 as seconds,
      count(*)::int as rows
    from ${webhooks}
    where ${stretch} and (
      ${installationId} is null
      or (select ${installations.status} from ${installations} where ${installations.id} = ${installationId}) = 'active'
    )
    group by 1, 3
  ) as counted`;
}

function at(now: Date, seconds = 0): SQL {
  return sql.raw(`'${new Date(now.getTime() + seconds * 1000).toISOString()}'::timestamptz`);
}

function toStatistics(groups: readonly Group[]): Statistics {
  const keys = new Map<string, number>();
  const nextExpiry = new Map<string, number>();
  const ending = new Map<string, { what: "token" | "grant"; platform: string; withinSeconds: number; count: number }>();

  function countEnds(what: "token" | "grant", { platform, count }: Group, bucket: number | null): void {
    if (bucket === null) return;
    horizonSeconds[what].forEach((withinSeconds, index) => {
      const key = `${what} ${platform} ${withinSeconds}`;
      const row = ending.get(key) ?? { what, platform, withinSeconds, count: 0 };
      // The first bucket holds what ends before the first horizon.
      ending.set(key, { ...row, count: row.count + (bucket <= index ? count : 0) });
    });
  }

  for (const group of groups.filter(({ status, webhook }) => status === null && webhook === null)) {
    const { platform, keyId, seconds, count } = group;
    if (keyId !== null) keys.set(keyId, (keys.get(keyId) ?? 0) + count);
    if (seconds !== null) nextExpiry.set(platform, Math.min(seconds, nextExpiry.get(platform) ?? seconds));
    countEnds("token", group, group.tokenBucket);
    countEnds("grant", group, group.grantBucket);
  }
  return {
    installations: summed(groups, ({ platform, status }) => (status === null ? undefined : { platform, status })),
    webhooks: summed(groups, ({ platform, webhook: state }) => (state === null ? undefined : { platform, state })),
    keys: [...keys].map(([keyId, count]) => ({ keyId, count })),
    ending: [...ending.values()],
    nextExpiry: [...nextExpiry].map(([platform, seconds]) => ({ platform, seconds })),
  };
}

/** The rows of all stretches that have these facts in common, as one. */
function summed<Facts extends object>(
  groups: readonly Group[],
  factsOf: (group: Group) => Facts | undefined,
): readonly (Facts & { readonly count: number })[] {
  const sums = new Map<string, Facts & { readonly count: number }>();
  for (const group of groups) {
    const facts = factsOf(group);
    if (facts === undefined) continue;
    const key = JSON.stringify(facts);
    sums.set(key, { ...facts, count: group.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}
