import type { Telemetry } from "../domain/model/telemetry.ts";
import type { Log } from "../world.ts";
import { addProcessMetrics } from "./process-metrics.ts";
import { createPrometheus } from "./prometheus.ts";
import { createRequestScope } from "./request-scope.ts";
import { addServiceGauges, type Sources } from "./service-gauges.ts";
import type { Tracing } from "./tracing.ts";

export interface TelemetryOptions {
  readonly log: Log;
  /** Where spans go, as OTLP over HTTP; undefined: there are none, and nothing of OpenTelemetry is loaded. */
  readonly otlpEndpoint: string | undefined;
}

/** What a scrape is answered with. */
export interface Metrics {
  readonly contentType: string;
  readonly text: string;
}

export interface RunningTelemetry {
  readonly telemetry: Telemetry;
  /** The log, with the ids of the request that a line is written for. */
  readonly log: Log;
  /** Names callers that are counted one by one from now on; the rest are counted together. */
  knowCallers(names: readonly string[]): void;
  /** Adds what is asked for at every scrape. */
  watch(sources: Sources): void;
  /** Never rejects, whatever state the database is in. */
  readMetrics(): Promise<Metrics>;
  /** Sends the last spans and stops measuring. */
  close(): Promise<void>;
}

/** Metrics always, spans if there is somewhere to send them. */
export async function startTelemetry({ log, otlpEndpoint }: TelemetryOptions): Promise<RunningTelemetry> {
  const tracing = otlpEndpoint === undefined ? undefined : (await import("./tracing.ts")).createTracing(otlpEndpoint);
  const prometheus = createPrometheus();
  const { registry, events } = prometheus;
  const stopMeasuring = addProcessMetrics(registry, () => log.dropped?.() ?? 0);
  const scope = createRequestScope();
  let update = async () => {};

  const untraced: Telemetry = {
    ...events,
    inRequest: scope.run,
    inCall: (arrival, work) => scope.run(arrival, () => work(arrival)),
    step: (_name, _facts, work) => work(),
  };
  return {
    telemetry: tracing === undefined ? untraced : traced(untraced, tracing),
    log: scope.log(log),
    knowCallers: prometheus.knowCallers,
    watch(sources) {
      prometheus.begin(sources.platforms);
      update = addServiceGauges(prometheus, sources);
    },
    async readMetrics() {
      await update();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
    async close() {
      stopMeasuring();
      await tracing?.close();
    },
  };
}

function traced(telemetry: Telemetry, tracing: Tracing): Telemetry {
  return {
    ...telemetry,
    step: tracing.step,
    inCall: (arrival, work) => tracing.inCall(arrival, (own) => telemetry.inCall(own, work)),
    callFinished(call) {
      telemetry.callFinished(call);
      tracing.callFinished(call);
    },
  };
}
