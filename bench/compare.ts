import { median, merged, quantile } from "./distribution.ts";
import { figure, microseconds, milliseconds } from "./figures.ts";
import type { SteadyLoad, SteadyReport } from "./load/steady.ts";
import type { LoadMaker } from "./load/steady-load.ts";
import type { Curve, Row } from "./measurement.ts";
import type { Plan } from "./plan.ts";
import { processorSeconds } from "./process-usage.ts";

/** Two loads, side by side. */
export interface Comparison {
  readonly baseline: Side;
  readonly subject: Side;
  /** Subject ÷ baseline, the median of pairs that ran one right after the other. */
  readonly throughputRatio: number;
  readonly p99Ratio: number;
  readonly processorRatio: number;
}

export interface Side {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the server for each call; NaN where the system does not say. */
  readonly processorMicros: number;
  /** Share of its core that the server used. */
  readonly busy: number;
  /** Of all runs, ascending. */
  readonly latenciesMs: Float64Array;
}

/** Warms both sides up, then runs them in turn, each as often first as the other, so that drift hits both alike. */
export async function compare(
  maker: LoadMaker,
  plan: Plan,
  serverPid: number,
  loads: { readonly baseline: SteadyLoad; readonly subject: SteadyLoad },
): Promise<Comparison> {
  for (const load of [loads.baseline, loads.subject]) {
    await maker.run({ ...load, seconds: plan.warmUpSeconds / 2 });
  }
  const baseline: Run[] = [];
  const subject: Run[] = [];
  const run = (load: SteadyLoad) => runOnce(maker, serverPid, load);
  for (let pair = 0; pair < plan.repetitions; pair++) {
    const subjectFirst = pair % 2 === 1;
    if (subjectFirst) subject.push(await run(loads.subject));
    baseline.push(await run(loads.baseline));
    if (!subjectFirst) subject.push(await run(loads.subject));
  }
  const ratio = (of: (run: Run) => number) =>
    median(subject.map((report, pair) => of(report) / of(baseline[pair] ?? report)));
  return {
    baseline: sideOf(baseline),
    subject: sideOf(subject),
    throughputRatio: ratio((report) => report.callsPerSecond),
    p99Ratio: ratio((report) => quantile(report.latenciesMs, 0.99)),
    processorRatio: ratio((report) => report.processorMicros),
  };
}

interface Run extends SteadyReport {
  readonly processorMicros: number;
  readonly busy: number;
}

async function runOnce(maker: LoadMaker, serverPid: number, load: SteadyLoad): Promise<Run> {
  const before = (await processorSeconds(serverPid)) ?? Number.NaN;
  const report = await maker.run(load);
  const used = ((await processorSeconds(serverPid)) ?? Number.NaN) - before;
  const processorMicros = (used * 1_000_000) / report.latenciesMs.length;
  return { ...report, processorMicros, busy: used / load.seconds };
}

function sideOf(reports: readonly Run[]): Side {
  return {
    callsPerSecond: median(reports.map((report) => report.callsPerSecond)),
    p50Ms: median(reports.map((report) => quantile(report.latenciesMs, 0.5))),
    p99Ms: median(reports.map((report) => quantile(report.latenciesMs, 0.99))),
    processorMicros: median(reports.map((report) => report.processorMicros)),
    busy: median(reports.map((report) => report.busy)),
    latenciesMs: merged(reports.map((report) => report.latenciesMs)),
  };
}

export const comparisonColumns = (baseline: string, subject: string) => ["", baseline, subject, "ratio"];

/** The usual rows of a comparison, with targets where there are any. */
export function comparisonRows(
  { baseline, subject, throughputRatio, p99Ratio, processorRatio }: Comparison,
  targets?: { readonly throughputAtLeast: number; readonly p99AtMost: number },
): Row[] {
  const { throughputAtLeast: least = 0, p99AtMost: most = 0 } = targets ?? {};
  const throughputTarget = { text: `≥ ${least.toFixed(2)}`, met: throughputRatio >= least };
  const p99Target = { text: `≤ ${most.toFixed(2)}`, met: p99Ratio <= most };
  return [
    {
      cells: [
        "calls per second",
        figure(baseline.callsPerSecond),
        figure(subject.callsPerSecond),
        throughputRatio.toFixed(2),
      ],
      ...(targets === undefined ? {} : { target: throughputTarget }),
    },
    {
      cells: [
        "median latency",
        milliseconds(baseline.p50Ms),
        milliseconds(subject.p50Ms),
        (subject.p50Ms / baseline.p50Ms).toFixed(2),
      ],
    },
    {
      cells: ["p99 latency", milliseconds(baseline.p99Ms), milliseconds(subject.p99Ms), p99Ratio.toFixed(2)],
      ...(targets === undefined ? {} : { target: p99Target }),
    },
    {
      cells: [
        "processor time of the server per call",
        microseconds(baseline.processorMicros),
        microseconds(subject.processorMicros),
        processorRatio.toFixed(2),
      ],
    },
    { cells: ["share of its core the server got", percent(baseline.busy), percent(subject.busy), ""] },
  ];
}

/** Said of a run in which something else used the server's core, or the load was too weak; empty otherwise. */
export function caution({ baseline, subject }: Comparison): string {
  if (!(Math.min(baseline.busy, subject.busy) < soundShare)) return "";
  return "\n**The server did not get its core to itself: throughput and p99 say little here, processor time more.**";
}

const soundShare = 0.85;

function percent(share: number): string {
  return Number.isNaN(share) ? "–" : `${Math.round(share * 100)} %`;
}

export function comparisonCurves(
  { baseline, subject }: Comparison,
  labels: { readonly baseline: string; readonly subject: string },
): readonly Curve[] {
  return [
    { label: labels.baseline, latenciesMs: baseline.latenciesMs },
    { label: labels.subject, latenciesMs: subject.latenciesMs },
  ];
}
