import type { WebHandler } from "../handler.ts";

/** What is exported, and in which format. Never rejects. */
export type ReadMetrics = () => Promise<{ readonly contentType: string; readonly text: string }>;

/** `GET /metrics`: for Prometheus. */
export function metricsRoute(readMetrics: ReadMetrics): WebHandler {
  return async (_request, response) => {
    const { contentType, text } = await readMetrics();
    response.setHeader("Content-Type", contentType);
    response.end(text);
  };
}
