import { count, inArray, sql } from "drizzle-orm/sql";
import type { InstallationStatus } from "../domain/model/installation.ts";
import {
  horizonSeconds,
  type Statistics,
  type StatisticsRepository,
  type WebhookState,
  waitingTasks,
} from "../domain/model/telemetry.ts";
import type { Database } from "./database.ts";
import { countConcerns } from "./health/count-concerns.ts";
import { credentials, installations, webhookDeliveries, webhooks } from "./schema.ts";

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

/** Ends it at the server: a statement that nobody waits for any longer would go on there. */
const statementMs = 4_000;

/** Each table is read once, and of deliveries what waits alone. */
export function createStatisticsRepository(database: Database): StatisticsRepository {
  return {
    async read(now) {
      const groups: readonly Group[] = await database.transaction(async (tx) => {
        const limit = sql`set_config('statement_timeout', ${`${statementMs}ms`}, true)`;
        await tx.select({ set: sql`1` }).from(sql`(select ${limit}) as timeout`);
        return tx.select(columns).from(counted(now));
      });
      return { ...toStatistics(groups), waiting: await readWaiting(database), ...(await countConcerns(database)) };
    },
  };
}

async function readWaiting(database: Database): Promise<Statistics["waiting"]> {
  const { status, receivedAt } = webhookDeliveries;
  const oldest = sql`extract(epoch from clock_timestamp() - min(${receivedAt}))::float8`.mapWith(Number);
  const rows = await database.read((db) =>
    db
      .select({ status, count: count(), oldest })
      .from(webhookDeliveries)
      .where(inArray(status, [...waitingTasks]))
      .groupBy(status),
  );
  return waitingTasks.flatMap((task) => {
    const found = rows.find((row) => row.status === task);
    return found === undefined ? [] : { task, count: found.count, oldestSeconds: found.oldest };
  });
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

/** Only tokens that are refreshed count: others are minted when they are asked for, or never end. */
function counted(now: Date) {
  const at = (seconds: number) => sql.raw(`'${new Date(now.getTime() + seconds * 1000).toISOString()}'::timestamptz`);
  const bucket = (end: unknown, horizons: readonly number[]) =>
    sql`width_bucket(${end}, array[${sql.join(horizons.map(at), sql`, `)}])`;
  const { status, kind, platform, keyId, expiresAt, grantExpiresAt } = credentials;
  const refreshed = sql`${status} = 'active' and ${kind} = 'rotating'`;
  return sql`(
    select ${installations.platform} as platform, ${installations.status} as status, null::text as webhook, null::text as key_id,
      null::int as token_bucket, null::int as grant_bucket, null::float8 as seconds, count(*)::int as rows
    from ${installations} group by 1, 2
    union all
    select ${platform}, null, null, ${keyId},
      case when ${refreshed} then ${bucket(expiresAt, horizonSeconds.token)} end,
      case when ${status} = 'active' then ${bucket(grantExpiresAt, horizonSeconds.grant)} end,
      extract(epoch from min(${expiresAt}) filter (where ${refreshed} and ${expiresAt} > ${at(0)}) - ${at(0)})::float8,
      count(*)::int
    from ${credentials} group by 1, 2, 3, 4, 5, 6
    union all
    select ${webhooks.platform}, null, case
        when ${webhooks.installationId} is null and ${webhooks.dueAt} is null then 'by_hand'
        when ${webhooks.error} is not null or ${webhooks.expiresAt} <= ${at(0)} then 'failed'
        when ${webhooks.silentSince} is not null then 'silent'
        when ${webhooks.registered} then 'registered'
        else 'waiting' end,
      null, null, null, null, count(*)::int
    from ${webhooks} left join ${installations} on ${installations.id} = ${webhooks.installationId}
    where ${webhooks.installationId} is null or ${installations.status} = 'active' group by 1, 3
  ) as statistics`;
}

function toStatistics(
  groups: readonly Group[],
): Omit<Statistics, "waiting" | keyof Awaited<ReturnType<typeof countConcerns>>> {
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
    installations: groups.flatMap(({ platform, status, count }) =>
      status === null ? [] : [{ platform, status, count }],
    ),
    webhooks: groups.flatMap(({ platform, webhook, count }) =>
      webhook === null ? [] : [{ platform, state: webhook, count }],
    ),
    keys: [...keys].map(([keyId, count]) => ({ keyId, count })),
    ending: [...ending.values()],
    nextExpiry: [...nextExpiry].map(([platform, seconds]) => ({ platform, seconds })),
  };
}
