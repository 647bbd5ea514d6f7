import type { Reader } from "./settings.ts";

/**
 * The base address of a collector, without a slash at the end. Plain http is usual: a collector runs beside the service
 * and gets no secret.
 */
export function readOtlpEndpoint(reader: Reader): string | undefined {
  const text = reader.text("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (text === undefined) return undefined;
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "") {
    return url.href.replace(/\/+$/, "");
  }
  reader.problem(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "this is not an http:// or https:// address without user and query",
    "set the collector's base address, such as http://localhost:4318",
  );
  return undefined;
}
