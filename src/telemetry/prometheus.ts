import Counter from "prom-client/lib/counter.js";
import Histogram from "prom-client/lib/histogram.js";
import Registry from "prom-client/lib/registry.js";
import type { DeliveryResult, LookUp, MintResult, RefreshResult, Telemetry } from "../domain/model/telemetry.ts";
import { createCallMetrics } from "./call-metrics.ts";

/** What is told as it happens; the rest of Telemetry is about where it happens. */
export type Events = Omit<Telemetry, "inCall" | "inRequest" | "step">;

export interface Prometheus {
  readonly registry: Registry;
  readonly events: Events;
  /** Shows these platforms' counters from the beginning: a rate over what appears with its first event misses it. */
  begin(platforms: readonly string[]): void;
  /**
   * Names under which calls are counted from now on; those of every other caller are `other`, so that nobody can make
   * the service remember names without end.
   */
  knowCallers(names: readonly string[]): void;
  /** Undefined while the database was not asked yet. */
  isDatabaseReachable(): boolean | undefined;
}

/** The names of everything that is exported begin with this, but for those that every Prometheus client exports. */
export const prefix = "oauth_token_service_";

const mintResults: readonly MintResult[] = [
  ...(["minted", "confirmed", "rejected", "suspended", "not_granted", "refused"] as const),
  ...(["misconfigured", "rate_limited", "unavailable", "error"] as const),
];
const refreshResults: readonly RefreshResult[] = [
  ...(["current", "unavailable", "rate_limited", "misconfigured", "suspended"] as const),
  ...(["refused", "doubted", "dead", "gone", "unreadable", "database", "error"] as const),
];

const deliveryResults: readonly DeliveryResult[] = [
  ...(["accepted", "seen", "ignored", "challenge", "refused", "unavailable"] as const),
];

const secondsBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40];

/** Counts events in a registry of its own. */
export function createPrometheus(): Prometheus {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name: prefix + name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name: prefix + name, help, labelNames, registers, buckets: secondsBuckets });

  const mints = counter("mints_total", "Requests for a token that were sent to a platform.", ["platform", "outcome"]);
  const mintSeconds = histogram("mint_duration_seconds", "Seconds a platform took for a token.", ["platform"]);
  const refreshes = counter("refreshes_total", "Refreshes, however many callers waited for one.", [
    "platform",
    "outcome",
  ]);
  const refreshSeconds = histogram("refresh_duration_seconds", "Seconds a refresh took, waiting included.", [
    "platform",
  ]);
  const leaseWaits = histogram("lease_wait_seconds", "Seconds a refresh waited for another replica's.", ["platform"]);
  const handOuts = counter("hand_outs_total", "Tokens handed out, counted once they are on record.", ["kind"]);
  const auditFailures = counter("audit_failures_total", "Times the record of hand-outs could not be written.");
  const revocations = counter("revocations_total", "Finished revocations, by how the platform took them.", ["outcome"]);
  const linkCodes = counter("link_codes_total", "What happened to link codes.", ["platform", "outcome"]);
  const installs = counter("installs_total", "Browser flows that ended.", ["platform", "outcome"]);
  const deliveries = counter(
    "deliveries_total",
    "Requests that say they come from a platform, by what became of them.",
    ["platform", "outcome"],
  );
  const forwards = counter("forwards_total", "Attempts to send an event on, by how they ended.", ["outcome"]);
  const alerts = counter("alerts_total", "Attempts to send an alert, by how they ended.", ["outcome"]);
  for (const outcome of ["delivered", "failed", "dead", "gone"]) {
    forwards.inc({ outcome }, 0);
    alerts.inc({ outcome }, 0);
  }
  for (const kind of ["first", "repeated"]) handOuts.inc({ kind }, 0);
  auditFailures.inc({}, 0);

  const lookUps: Record<LookUp, number> = { hit: 0, miss: 0, bypass: 0 };
  const lookUpName = `${prefix}cache_lookups_total`;
  registry.registerMetric({
    name: lookUpName,
    get: async () => ({
      name: lookUpName,
      help: "Look-ups of a selector, by whether memory answered; bypass: the change feed was not proven alive.",
      type: "counter",
      values: Object.entries(lookUps).map(([outcome, value]) => ({ labels: { outcome }, value })),
    }),
  });
  let databaseReachable: boolean | undefined;
  const calls = createCallMetrics(registry);

  return {
    registry,
    begin(platforms) {
      for (const platform of platforms) {
        for (const outcome of mintResults) mints.inc({ platform, outcome }, 0);
        for (const outcome of refreshResults) refreshes.inc({ platform, outcome }, 0);
        for (const outcome of deliveryResults) deliveries.inc({ platform, outcome }, 0);
        for (const outcome of ["connected", "provider_misconfigured"]) installs.inc({ platform, outcome }, 0);
      }
    },
    knowCallers: calls.know,
    isDatabaseReachable: () => databaseReachable,
    events: {
      callFinished: calls.finished,
      cacheLookedUp: (outcome) => void lookUps[outcome]++,
      mintFinished({ platform, result: outcome, seconds }) {
        mints.inc({ platform, outcome });
        mintSeconds.observe({ platform }, seconds);
      },
      refreshFinished({ platform, result: outcome, seconds }) {
        refreshes.inc({ platform, outcome });
        refreshSeconds.observe({ platform }, seconds);
      },
      leaseWaited: (platform, seconds) => leaseWaits.observe({ platform }, seconds),
      handedOut: (kind, count) => handOuts.inc({ kind }, count),
      auditFailed: () => auditFailures.inc({}),
      revocationFinished: (outcome) => revocations.inc({ outcome }),
      installFinished: (platform, outcome) => installs.inc({ platform, outcome }),
      linkMoved: (platform, outcome) => linkCodes.inc({ platform, outcome }),
      deliveryReceived: (platform, outcome) => deliveries.inc({ platform, outcome }),
      sendingFinished: (what, outcome) => (what === "alert" ? alerts : forwards).inc({ outcome }),
      databaseChecked(reachable) {
        databaseReachable = reachable;
      },
    },
  };
}
