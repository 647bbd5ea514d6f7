import type Registry from "prom-client/lib/registry.js";
import { unprovenCaller } from "../domain/model/audit-event.ts";
import type { FinishedCall } from "../domain/model/telemetry.ts";
import { isServerError, rpcMethod, rpcSystem } from "./rpc-conventions.ts";

const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Those that the conventions want. */
const conventionalBounds: ReadonlySet<number> = new Set(bounds.filter((seconds) => seconds >= 0.005));
/** What alerts watch is shown from the beginning: a rate over what appears with its first event misses it. */
const watched: readonly (readonly [code: string, reason: FinishedCall["reason"]])[] = [
  ["OK", undefined],
  ["INTERNAL", undefined],
  ["DATA_LOSS", "TOKEN_UNREADABLE"],
  ["FAILED_PRECONDITION", "PROVIDER_MISCONFIGURED"],
];
const totalName = "oauth_token_service_calls_total";
const durationName = "oauth_token_service_call_duration_seconds";
/** `rpc.server.call.duration`, as Prometheus spells it. */
const conventionalName = "rpc_server_call_duration_seconds";

/** How many calls took how long, per method, caller and code. */
interface Durations {
  readonly of: { readonly method: string; readonly caller: string; readonly code: string };
  /** Per bound, not cumulative; one more for what is longer than all of them. */
  readonly buckets: number[];
  seconds: number;
}

interface Calls {
  readonly labels: { readonly method: string; readonly caller: string; readonly code: string; readonly reason: string };
  readonly durations: Durations;
  count: number;
}

export interface CallMetrics {
  /** Adds names of callers that are counted one by one. */
  know(names: readonly string[]): void;
  finished(call: FinishedCall): void;
}

/**
 * Counts calls and what they took. They are added up here and not in the library's own metrics, whose look-up of the
 * labels costs more on every call than all the rest of this.
 */
export function createCallMetrics(registry: Registry): CallMetrics {
  /** Names that calls are counted under, those that proved nothing together. */
  const callers = new Set([unprovenCaller]);
  const series = new Map<string, Calls>();
  /** By caller and method, found without making a key: these are almost all of them. */
  const answered = new Map<string, Map<string, Calls>>();
  const durations = new Map<string, Durations>();

  function add(key: string, { method, caller: name, code, reason }: FinishedCall): Calls {
    const caller = callers.has(name) ? name : "other";
    const durationKey = `${method} ${code} ${caller}`;
    const shared = durations.get(durationKey) ?? {
      of: { method, caller, code },
      buckets: Array.from({ length: bounds.length + 1 }, () => 0),
      seconds: 0,
    };
    durations.set(durationKey, shared);
    const calls = { labels: { method, caller, code, reason: reason ?? "" }, durations: shared, count: 0 };
    series.set(key, calls);
    if (code === "OK") answered.get(caller)?.set(method, calls);
    return calls;
  }

  registry.registerMetric({
    name: totalName,
    get: async () => ({
      name: totalName,
      help: "RPCs, by method, caller, gRPC code and reason of the refusal.",
      type: "counter",
      values: [...series.values()].map(({ labels, count }) => ({ labels, value: count })),
    }),
  });
  registry.registerMetric({
    name: durationName,
    get: async () => ({
      name: durationName,
      help: "Seconds from the request's content to the answer's.",
      type: "histogram",
      values: added(durations.values(), durationName, bounds, ({ method, caller, code }) => {
        return { method, caller, outcome: code === "OK" ? "answered" : "refused" };
      }),
    }),
  });
  registry.registerMetric({
    name: conventionalName,
    get: async () => ({
      name: conventionalName,
      help: "The same by OpenTelemetry's conventions for RPC servers.",
      type: "histogram",
      values: added(durations.values(), conventionalName, conventionalBounds, ({ method, code }) => ({
        rpc_system_name: rpcSystem,
        rpc_method: rpcMethod(method),
        rpc_status_code: code,
        error_type: isServerError(code) ? code : "",
      })),
    }),
  });

  function know(names: readonly string[]): void {
    for (const caller of names) {
      if (callers.has(caller)) continue;
      callers.add(caller);
      answered.set(caller, new Map());
      for (const [code, reason] of watched) {
        const call = { method: "GetToken", caller, code, reason, seconds: 0 };
        add(keyOf(call, caller), call);
      }
    }
  }

  function find(call: FinishedCall): Calls {
    const key = keyOf(call, callers.has(call.caller) ? call.caller : "other");
    return series.get(key) ?? add(key, call);
  }

  function finished(call: FinishedCall): void {
    const calls = (call.code === "OK" ? answered.get(call.caller)?.get(call.method) : undefined) ?? find(call);
    calls.count++;
    calls.durations.seconds += call.seconds;
    let bucket = 0;
    while (bucket < bounds.length && call.seconds > (bounds[bucket] ?? 0)) bucket++;
    calls.durations.buckets[bucket] = (calls.durations.buckets[bucket] ?? 0) + 1;
  }

  return { know, finished };
}

function keyOf({ method, code, reason }: FinishedCall, caller: string): string {
  return `${method} ${code} ${reason} ${caller}`;
}

/** Histograms of what has the same labels, added up, with the given bounds of ours. */
function added(
  all: Iterable<Durations>,
  name: string,
  shown: Iterable<number>,
  labelsOf: (of: Durations["of"]) => Readonly<Record<string, string>>,
) {
  const groups = Map.groupBy(all, ({ of }) => JSON.stringify(labelsOf(of)));
  const showing = new Set(shown);
  return [...groups].flatMap(([key, members]) => {
    const labels: Readonly<Record<string, string>> = JSON.parse(key);
    const sumOf = (value: (one: Durations) => number) => members.reduce((sum, one) => sum + value(one), 0);
    let count = 0;
    const cumulative = [...bounds, "+Inf" as const].flatMap((le, index) => {
      count += sumOf(({ buckets }) => buckets[index] ?? 0);
      const isShown = le === "+Inf" || showing.has(le);
      return isShown ? [{ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }] : [];
    });
    return [
      ...cumulative,
      { metricName: `${name}_sum`, labels, value: sumOf(({ seconds }) => seconds) },
      { metricName: `${name}_count`, labels, value: count },
    ];
  });
}
