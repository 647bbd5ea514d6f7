import type { Findings, Row } from "./measurement.ts";
import type { Plan } from "./plan.ts";
import type { Outcome } from "./run-measurements.ts";

export interface ResultsPage {
  readonly plan: Plan;
  readonly facts: readonly (readonly [string, string])[];
  readonly outcomes: readonly Outcome[];
  readonly seconds: number;
  /** File name of the picture; undefined if nothing was measured that it could show. */
  readonly picture: string | undefined;
}

/** `RESULTS.md`. */
export function resultsPage({ plan, facts, outcomes, seconds, picture }: ResultsPage): string {
  const extent = plan.quick
    ? "a quick run: one short run a side, a tenth of the large list; good to see that it works, too short to judge by"
    : `medians of ${plan.repetitions} runs a side`;
  return [
    "# Benchmark results",
    "",
    `Written by \`npm run bench\`; how to read it is said in [docs/benchmark.md](../docs/benchmark.md). This is ${extent}.`,
    "",
    ...table(
      ["", ""],
      [...facts, ["Took", `${Math.round(seconds)} s`] as const].map((cells) => ({ cells })),
    ),
    ...(picture === undefined ? [] : ["", `![Latency by percentile](${picture})`]),
    ...outcomes.flatMap((outcome) => ["", `## ${outcome.measurement.title}`, "", ...outcomeLines(outcome)]),
    "",
  ].join("\n");
}

function outcomeLines({ result }: Outcome): readonly string[] {
  switch (result.kind) {
    case "failed":
      return ["Not measured in this run:", "", ...result.why.split("\n").map((line) => `    ${line}`)];
    case "measured":
      return [...findingsTable(result.findings), "", result.findings.how];
  }
}

/** The table of a measurement, with columns for targets if any row has one. */
export function findingsTable({ columns, rows }: Findings): readonly string[] {
  if (!rows.some((row) => row.target !== undefined)) return table(columns, rows);
  return table(
    [...columns, "target", "met"],
    rows.map(({ cells, target }) => ({
      cells: [...cells, target?.text ?? "", target === undefined ? "" : target.met ? "yes" : "**no**"],
    })),
  );
}

function table(columns: readonly string[], rows: readonly Pick<Row, "cells">[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(columns),
    line(columns.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...rows.map((row) => line(row.cells)),
  ];
}
