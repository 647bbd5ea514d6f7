import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import { until } from "../rig/gate.ts";
import type { PostgresPair } from "../rig/postgres-pair.ts";
import type { PostgresServer } from "../rig/postgres-server.ts";
import type { SeededRandom } from "../rig/seeded-random.ts";

/** One death that the seed decided on. */
export interface PlannedDeath {
  /** As of a machine that is gone: connections stay open, and nothing answers. Otherwise they are cut. */
  readonly silent: boolean;
  /** From what happens in the last moment to the death. */
  readonly lastMomentMs: number;
  /** Until whoever looks after the servers promotes the standby. */
  readonly noticedMs: number;
}

/** What came of it, on the clock of `performance.now()`. */
export interface Death {
  readonly silent: boolean;
  readonly diedAt: number;
  /** The promoted standby takes writes. */
  readonly promotedAt: number;
  /** Every replica listens to the promoted one. */
  readonly listeningAt: number;
}

/** As long as Patroni's default `ttl`, and longer than the lease of a refresh. */
const longMs = 30_000;

/** One of them is noticed late. */
export function planDeaths(count: number, random: SeededRandom, longest = longMs): readonly PlannedDeath[] {
  const late = Math.floor(count / 2);
  return Array.from({ length: count }, (_, n) => ({
    silent: n % 2 === 1,
    lastMomentMs: random.between(0, 250),
    noticedMs: n === late ? longest : random.between(200, 2_500),
  }));
}

/** Kills the primary and promotes its standby. The former primary never comes back by itself, silent or not. */
export async function killPrimary(
  pair: PostgresPair,
  { silent, noticedMs }: PlannedDeath,
  { database, replicas }: { readonly database: string; readonly replicas: number },
): Promise<Death> {
  const { primary } = pair;
  if (silent) primary.freeze();
  else await primary.kill();
  const diedAt = performance.now();
  await delay(noticedMs);
  await pair.promote();
  const promotedAt = performance.now();
  await untilListening(pair.primary, database, replicas);
  const listeningAt = performance.now();
  if (silent) await primary.kill();
  return { silent, diedAt, promotedAt, listeningAt };
}

async function untilListening(server: PostgresServer, database: string, replicas: number): Promise<void> {
  const sql = postgres(server.urlOf(database), { max: 1, onnotice: () => undefined });
  const listeners = () => sql`select 1 from pg_stat_activity
    where datname = current_database() and query ilike 'listen %oauth_token_service%' and state = 'idle'`;
  try {
    await until(async () => (await listeners()).length >= replicas, "every replica listens to the promoted server");
  } finally {
    await sql.end();
  }
}
