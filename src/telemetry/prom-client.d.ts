// The parts of prom-client in use. Its own entry, and with it its own declarations, would load @opentelemetry/api, which
// is not to be loaded unless spans are exported.

interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly registers: readonly import("prom-client/lib/registry.js")[];
}

type MetricLabels = Readonly<Record<string, string | number>>;

declare module "prom-client/lib/registry.js" {
  /** What a registry asks of a metric. */
  interface ReadableMetric {
    readonly name: string;
    get(): Promise<{
      readonly name: string;
      readonly help: string;
      readonly type: "counter" | "gauge" | "histogram";
      readonly values: readonly {
        readonly metricName?: string;
        readonly labels: MetricLabels;
        readonly value: number;
      }[];
    }>;
  }

  class Registry {
    registerMetric(metric: ReadableMetric): void;
    /** Everything in the text format that `contentType` names. */
    metrics(): Promise<string>;
    readonly contentType: string;
  }
  export = Registry;
}

declare module "prom-client/lib/counter.js" {
  class Counter {
    constructor(options: MetricOptions);
    inc(labels: MetricLabels, value?: number): void;
  }
  export = Counter;
}

declare module "prom-client/lib/gauge.js" {
  class Gauge {
    constructor(options: MetricOptions & { readonly collect?: (this: Gauge) => void });
    set(labels: MetricLabels, value: number): void;
    reset(): void;
  }
  export = Gauge;
}

declare module "prom-client/lib/histogram.js" {
  class Histogram {
    constructor(options: MetricOptions & { readonly buckets: readonly number[] });
    observe(labels: MetricLabels, seconds: number): void;
  }
  export = Histogram;
}
