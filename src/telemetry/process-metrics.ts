import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import type Registry from "prom-client/lib/registry.js";
import { prefix } from "./prometheus.ts";

const resolutionMs = 20;
const quantiles = [0.5, 0.99, 1];

/**
 * What this process uses, under the names that every Prometheus client has for it, and how late its event loop was
 * since the last scrape; and the log lines nobody read. Returns how to stop measuring.
 */
export function addProcessMetrics(registry: Registry, droppedLogLines: () => number): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const add = (name: string, type: "counter" | "gauge", help: string, read: () => number) =>
    registry.registerMetric({
      name,
      get: async () => ({ name, help, type, values: [{ labels: {}, value: read() }] }),
    });

  add("process_cpu_seconds_total", "counter", "CPU seconds this process used.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  add("process_resident_memory_bytes", "gauge", "Memory of this process that is in RAM.", () =>
    process.memoryUsage.rss(),
  );
  add("process_start_time_seconds", "gauge", "When this process started, in Unix time.", () =>
    Math.round(performance.timeOrigin / 1000),
  );
  add("nodejs_heap_size_used_bytes", "gauge", "JavaScript memory in use.", () => process.memoryUsage().heapUsed);
  const droppedHelp = "Log lines that were given up because nobody read them.";
  add(`${prefix}log_lines_dropped_total`, "counter", droppedHelp, droppedLogLines);
  const delayName = `${prefix}event_loop_delay_seconds`;
  registry.registerMetric({
    name: delayName,
    async get() {
      const values = quantiles.map((quantile) => ({
        labels: { quantile },
        // What is measured includes the timer's own interval.
        value: Math.max(delay.percentile(quantile * 100) / 1e9 - resolutionMs / 1000, 0),
      }));
      delay.reset();
      return { name: delayName, help: "How late the event loop was since the last scrape.", type: "gauge", values };
    },
  });
  return () => void delay.disable();
}
