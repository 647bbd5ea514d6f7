import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Arrival } from "../domain/model/call.ts";
import type { FinishedCall, Step, Telemetry } from "../domain/model/telemetry.ts";
import type { TraceContext } from "../domain/model/trace-context.ts";
import { isServerError, rpcMethod, rpcSystem } from "./rpc-conventions.ts";

/** Records spans and sends them to a collector. */
export interface Tracing extends Pick<Telemetry, "inCall" | "step"> {
  /** Says on the span of the running call how it ended. */
  callFinished(call: FinishedCall): void;
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>;
}

const service = "oauth-token-service";
const exportTimeoutMs = 3_000;
const kinds: Partial<Record<Step, SpanKind>> = {
  lease: SpanKind.CLIENT,
  commit: SpanKind.CLIENT,
  audit: SpanKind.CLIENT,
  "platform mint": SpanKind.CLIENT,
  "platform exchange": SpanKind.CLIENT,
  "platform revoke": SpanKind.CLIENT,
  "platform inspect": SpanKind.CLIENT,
};

/** `endpoint`: the collector's base address for OTLP over HTTP, without `/v1/traces`. */
export function createTracing(endpoint: string): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES may say it otherwise, as everywhere.
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": service }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: exportTimeoutMs })],
  });
  const tracer = provider.getTracer(service);
  const current = new AsyncLocalStorage<Context>();

  return {
    async inCall(arrival, work) {
      const { method, requestId, address } = arrival;
      const name = rpcMethod(method);
      const attributes = { "rpc.system.name": rpcSystem, "rpc.method": name, "request.id": requestId };
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parentOf(arrival));
      const { traceId, spanId, traceFlags } = span.spanContext();
      const own: TraceContext = { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
      try {
        return await current.run(trace.setSpan(ROOT_CONTEXT, span), () =>
          work({ method, requestId, address, trace: own, remainingMs: () => arrival.remainingMs() }),
        );
      } finally {
        span.end();
      }
    },

    callFinished({ caller, code, reason }) {
      const span = trace.getSpan(current.getStore() ?? ROOT_CONTEXT);
      span?.setAttribute("caller", caller);
      span?.setAttribute("rpc.status_code", code);
      if (reason !== undefined) span?.setAttribute("reason", reason);
      if (!isServerError(code)) return;
      span?.setAttribute("error.type", code);
      span?.setStatus({ code: SpanStatusCode.ERROR });
    },

    async step(name, facts, work, resultOf) {
      const attributes: Attributes = { ...facts };
      const options = { kind: kinds[name] ?? SpanKind.INTERNAL, attributes };
      const span = tracer.startSpan(name, options, current.getStore() ?? ROOT_CONTEXT);
      try {
        const value = await current.run(trace.setSpan(ROOT_CONTEXT, span), work);
        if (resultOf !== undefined) span.setAttribute("outcome", resultOf(value));
        return value;
      } catch (error) {
        // Its message may hold values.
        span.setAttribute("error.type", error instanceof Error ? error.name : "unknown");
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },

    // A collector that is away must not fail the shutdown.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

/** The caller's span, if it named one. */
function parentOf({ trace: from }: Arrival): Context {
  if (from === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = from;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
