import { setTimeout as delay } from "node:timers/promises";
import Gauge from "prom-client/lib/gauge.js";
import type Registry from "prom-client/lib/registry.js";
import { concernKinds } from "../domain/health/concern.ts";
import { type Pressing, type Statistics, waitingTasks } from "../domain/model/telemetry.ts";
import { type Prometheus, prefix } from "./prometheus.ts";

/** What is asked for at every scrape. */
export interface Sources {
  /** Counts what is stored; rejects if the database does not answer in time. */
  readonly statistics: () => Promise<Statistics>;
  /** The same of what is not for later. */
  readonly pressing: () => Promise<Pressing>;
  readonly cacheEntries: () => number;
  readonly openStreams: () => number;
  readonly isChangeFeedAlive: () => boolean;
  /** Undefined where no other clock is followed. */
  readonly clockSkewMs: () => number | undefined;
  /** The keys of the ring; the first seals. */
  readonly keyIds: readonly string[];
  /** The names of the configured platforms. */
  readonly platforms: readonly string[];
}

/** Counting may take a hundredth of the time; half of it where it fails, so that the next success is seen soon. */
const rest = { counted: 100, failed: 1 };
/** A scrape waits for new numbers no longer than this; the next one has them. */
const patienceMs = 2_500;

/** Gauges of the service's state. Returns what has to be awaited before the registry is read. */
export function addServiceGauges({ registry, isDatabaseReachable }: Prometheus, sources: Sources): () => Promise<void> {
  const live = (name: string, help: string, read: () => number | undefined) =>
    gauge(registry, name, help, [], function (this: Gauge) {
      const value = read();
      if (value !== undefined) this.set({}, value);
    });
  live("database_up", "Whether the database could be written to when it was last tried: 1 or 0.", () => {
    const reachable = isDatabaseReachable();
    return reachable === undefined ? undefined : Number(reachable);
  });
  live("change_feed_up", "Whether changes of other replicas are proven to arrive: 1 or 0.", () =>
    Number(sources.isChangeFeedAlive()),
  );
  live("clock_skew_seconds", "How far this machine's clock is ahead of the database's, which counts.", () => {
    const skewMs = sources.clockSkewMs();
    return skewMs === undefined ? undefined : skewMs / 1000;
  });
  live("cache_entries", "Selections in memory.", sources.cacheEntries);
  live("open_streams", "Calls that are being answered with a stream.", sources.openStreams);
  const up = gauge(registry, "statistics_up", "Whether what is stored could be counted: 1 or 0.");
  let countedAtMs: number | undefined;
  live("statistics_age_seconds", "How long ago what is stored was counted.", () =>
    countedAtMs === undefined ? undefined : (performance.now() - countedAtMs) / 1000,
  );
  const showStatistics = addStatistics(registry, sources);
  const statistics = recounted(sources.statistics, (counted) => {
    showStatistics(counted);
    up.set({}, counted === undefined ? 0 : 1);
    countedAtMs = counted === undefined ? undefined : performance.now();
  });
  const pressing = recounted(sources.pressing, addPressing(registry, sources));
  return async () => {
    await Promise.race([Promise.all([statistics(), pressing()]), delay(patienceMs, undefined, { ref: false })]);
  };
}

/** Counts anew once there was a rest, once for all who ask meanwhile. Old numbers would look like a fine day. */
function recounted<T>(count: () => Promise<T>, show: (counted: T | undefined) => void): () => Promise<void> {
  let counting: Promise<void> | undefined;
  let validUntilMs = Number.NEGATIVE_INFINITY;

  async function countOnce(): Promise<void> {
    const startedMs = performance.now();
    const counted = await count().catch(() => undefined);
    show(counted);
    const now = performance.now();
    validUntilMs = now + (now - startedMs) * (counted === undefined ? rest.failed : rest.counted);
  }

  return async () => {
    if (performance.now() < validUntilMs) return;
    counting ??= countOnce().finally(() => {
      counting = undefined;
    });
    await counting;
  };
}

function addPressing(registry: Registry, { platforms }: Sources): (pressing: Pressing | undefined) => void {
  const waiting = gauge(
    registry,
    "events_waiting",
    "Events and alerts to be worked off, to be sent, or that did not arrive.",
    ["task"],
  );
  const oldest = gauge(registry, "events_oldest_seconds", "For how long the first of these waits.", ["task"]);
  const concerns = gauge(registry, "concerns", "Connections that need a person, or will soon.", ["platform", "kind"]);
  const watched = gauge(registry, "health_watch_age_seconds", "Since connections were last looked through for these.");
  return (pressing) => {
    for (const each of [waiting, oldest, concerns, watched]) each.reset();
    if (pressing === undefined) return;
    for (const platform of platforms) for (const kind of concernKinds) concerns.set({ platform, kind }, 0);
    for (const { platform, kind, count } of pressing.concerns) concerns.set({ platform, kind }, count);
    if (pressing.watchedSecondsAgo !== undefined) watched.set({}, pressing.watchedSecondsAgo);
    for (const task of waitingTasks) {
      const found = pressing.waiting.find((one) => one.task === task);
      waiting.set({ task }, found?.count ?? 0);
      oldest.set({ task }, found?.oldestSeconds ?? 0);
    }
  };
}

function addStatistics(
  registry: Registry,
  { keyIds }: Pick<Sources, "keyIds">,
): (statistics: Statistics | undefined) => void {
  const installations = gauge(registry, "installations", "Installations.", ["platform", "status"]);
  const webhooks = gauge(registry, "webhooks", "Webhooks at platforms, by how they stand.", ["platform", "state"]);
  const keys = gauge(registry, "sealed_credentials", "Credentials that this key is needed for.", ["key"]);
  const tokens = gauge(registry, "tokens_ending", "Refreshable access tokens that end within so many seconds.", [
    "platform",
    "within_seconds",
  ]);
  const grants = gauge(registry, "grants_ending", "Grants that end within so many seconds, whatever is refreshed.", [
    "platform",
    "within_seconds",
  ]);
  const next = gauge(registry, "token_next_expiry_seconds", "Seconds to the next end of a refreshable access token.", [
    "platform",
  ]);

  return (statistics) => {
    for (const each of [installations, webhooks, keys, tokens, grants, next]) each.reset();
    if (statistics === undefined) return;
    for (const { platform, status, count } of statistics.installations) installations.set({ platform, status }, count);
    for (const { platform, state, count } of statistics.webhooks) webhooks.set({ platform, state }, count);
    const needed = new Map([...keyIds, notInRing].map((key) => [key, 0]));
    for (const { keyId, count } of statistics.keys) {
      const key = keyIds.includes(keyId) ? keyId : notInRing;
      needed.set(key, (needed.get(key) ?? 0) + count);
    }
    for (const [key, count] of needed) keys.set({ key }, count);
    for (const { what, platform, withinSeconds, count } of statistics.ending) {
      (what === "token" ? tokens : grants).set({ platform, within_seconds: withinSeconds }, count);
    }
    for (const { platform, seconds } of statistics.nextExpiry) next.set({ platform }, seconds);
  };
}

const notInRing = "not_in_ring";

function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[] = [],
  collect?: (this: Gauge) => void,
): Gauge {
  const options = { name: prefix + name, help, labelNames, registers: [registry] };
  return new Gauge(collect === undefined ? options : { ...options, collect });
}
