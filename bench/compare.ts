import { median, merged, quantile } from "./distribution.ts";
import { figure, microseconds, milliseconds } from "./figures.ts";
import type { SteadyLoad, SteadyReport } from "./load/steady.ts";
import type { LoadMaker } from "./load/steady-load.ts";
import type { Curve, Row } from "./measurement.ts";
import type { Plan } from "./plan.ts";
import { withUsage } from "./process-usage.ts";

/** What is put under load. */
export interface Contender {
  readonly label: string;
  readonly load: SteadyLoad;
  /** The process that answers. */
  readonly pid: number;
}

/** A floor, and what the subject must reach beside it. */
export interface Floor extends Contender {
  readonly targets?: { readonly throughputAtLeast: number; readonly p99AtMost?: number };
}

/** Loads, side by side. */
export interface Comparison {
  readonly floors: readonly FloorSide[];
  readonly subject: Side;
}

/** Ratios are subject ÷ floor, the median of runs that were made one right after the other. */
export interface FloorSide extends Side {
  readonly targets: Floor["targets"];
  readonly throughputRatio: number;
  readonly p99Ratio: number;
  readonly processorRatio: number;
}

export interface Side {
  readonly label: string;
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

/** Warms all sides up, then runs them in turn, each as often before the others as after, so that drift hits all alike. */
export async function compare(
  maker: LoadMaker,
  plan: Plan,
  { floors, subject }: { readonly floors: readonly Floor[]; readonly subject: Contender },
): Promise<Comparison> {
  const sides = [...floors, subject].map((contender) => ({ contender, runs: [] as Run[] }));
  for (const { contender } of sides) await maker.run({ ...contender.load, seconds: plan.warmUpSeconds / 2 });
  for (let round = 0; round < plan.repetitions; round++) {
    const order = round % 2 === 0 ? sides : sides.toReversed();
    for (const { contender, runs } of order) runs.push(await runOnce(maker, contender));
  }
  const subjectRuns = sides.at(-1)?.runs ?? [];
  const ratio = (runs: readonly Run[], of: (run: Run) => number) =>
    median(subjectRuns.map((run, round) => of(run) / of(runs[round] ?? run)));
  return {
    subject: sideOf(subject, subjectRuns),
    floors: floors.map((floor, index) => {
      const runs = sides[index]?.runs ?? [];
      return {
        ...sideOf(floor, runs),
        targets: floor.targets,
        throughputRatio: ratio(runs, (run) => run.callsPerSecond),
        p99Ratio: ratio(runs, (run) => quantile(run.latenciesMs, 0.99)),
        processorRatio: ratio(runs, (run) => run.processorMicros),
      };
    }),
  };
}

interface Run extends SteadyReport {
  readonly processorMicros: number;
  readonly busy: number;
}

async function runOnce(maker: LoadMaker, { load, pid }: Contender): Promise<Run> {
  const report = await withUsage(pid, () => maker.run(load));
  const seconds = (report.processorMicros * report.latenciesMs.length) / 1_000_000;
  return { ...report, busy: seconds / load.seconds };
}

function sideOf({ label }: Contender, runs: readonly Run[]): Side {
  return {
    label,
    callsPerSecond: median(runs.map((run) => run.callsPerSecond)),
    p50Ms: median(runs.map((run) => quantile(run.latenciesMs, 0.5))),
    p99Ms: median(runs.map((run) => quantile(run.latenciesMs, 0.99))),
    processorMicros: median(runs.map((run) => run.processorMicros)),
    busy: median(runs.map((run) => run.busy)),
    latenciesMs: merged(runs.map((run) => run.latenciesMs)),
  };
}

/** Floors first, then the subject, then its ratio to each of the floors. */
export function comparisonColumns({ floors, subject }: Comparison): readonly string[] {
  const ratioTo = floors.length === 1 ? () => "ratio" : ({ label }: Side) => `ratio to ${label}`;
  return ["", ...floors.map(({ label }) => label), subject.label, ...floors.map(ratioTo)];
}

/** The usual rows of a comparison, with targets where floors have any. */
export function comparisonRows(comparison: Comparison): Row[] {
  return [
    row(comparison, "calls per second", (side) => figure(side.callsPerSecond), {
      ratio: (floor) => floor.throughputRatio,
      atLeast: ({ targets }) => targets?.throughputAtLeast,
    }),
    row(comparison, "median latency", (side) => milliseconds(side.p50Ms), {
      ratio: (floor) => comparison.subject.p50Ms / floor.p50Ms,
    }),
    row(comparison, "p99 latency", (side) => milliseconds(side.p99Ms), {
      ratio: (floor) => floor.p99Ratio,
      atMost: ({ targets }) => targets?.p99AtMost,
    }),
    row(comparison, "processor time of the server per call", (side) => microseconds(side.processorMicros), {
      ratio: (floor) => floor.processorRatio,
    }),
    row(comparison, "share of its core the server got", (side) => percent(side.busy)),
  ];
}

interface Judgement {
  readonly ratio: (floor: FloorSide) => number;
  readonly atLeast?: (floor: FloorSide) => number | undefined;
  readonly atMost?: (floor: FloorSide) => number | undefined;
}

function row({ floors, subject }: Comparison, name: string, cell: (side: Side) => string, by?: Judgement): Row {
  const ratios = floors.map((floor) => by?.ratio(floor) ?? Number.NaN);
  const targets = floors.flatMap((floor, i) => targetsOf(floor, ratios[i] ?? Number.NaN, by));
  return {
    cells: [
      name,
      ...floors.map(cell),
      cell(subject),
      ...ratios.map((value) => (by === undefined ? "" : value.toFixed(2))),
    ],
    ...(targets.length === 0
      ? {}
      : { target: { text: targets.map(({ text }) => text).join("; "), met: targets.every(({ met }) => met) } }),
  };
}

function targetsOf(floor: FloorSide, ratio: number, by: Judgement | undefined) {
  const least = by?.atLeast?.(floor);
  const most = by?.atMost?.(floor);
  return [
    ...(least === undefined ? [] : [{ text: `≥ ${least.toFixed(2)}`, met: ratio >= least }]),
    ...(most === undefined ? [] : [{ text: `≤ ${most.toFixed(2)}`, met: ratio <= most }]),
  ];
}

/** Said of a run in which something else used the server's core, or the load was too weak; empty otherwise. */
export function caution({ floors, subject }: Comparison): string {
  if (!(Math.min(...[...floors, subject].map(({ busy }) => busy)) < soundShare)) return "";
  return "\n**The server did not get its core to itself: throughput and p99 say little here, processor time more.**";
}

const soundShare = 0.85;

function percent(share: number): string {
  return Number.isNaN(share) ? "–" : `${Math.round(share * 100)} %`;
}

export function comparisonCurves({ floors, subject }: Comparison): readonly Curve[] {
  return [...floors, subject].map(({ label, latenciesMs }) => ({ label, latenciesMs }));
}
