import { kindOf } from "./grants.ts";
import { brokenPromises, type Row } from "./row.ts";

const columns: readonly (readonly [string, (row: Row) => string])[] = [
  ["fault", (row) => row.fault],
  ["platform", (row) => `${row.platform} (${kindOf[row.platform]})`],
  ["GetToken", (row) => String(row.calls)],
  ["failed", (row) => String(sum(row.failed.values()))],
  ["rotations", (row) => String(row.rotations)],
  ["refresh calls", (row) => String(row.refreshCalls)],
  ["calls ÷ rotations", (row) => (row.rotations === 0 ? "–" : (row.refreshCalls / row.rotations).toFixed(2))],
  ["at once", (row) => String(row.mostAtOnce)],
  ["lost", (row) => String(row.lost)],
  ["no row", (row) => String(row.unrecorded ?? "–")],
  ["expired", (row) => String(row.expired)],
  ["longest ms", (row) => row.longestMs.toFixed(0)],
  ["recover s", (row) => row.recoverSeconds?.toFixed(2) ?? "–"],
  ["failed by reason", (row) => reasons(row)],
];

/** The table in Markdown, with columns that line up, and below it what has no column. */
export function renderTable(rows: readonly Row[]): string {
  const cells = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, read]) => read(row)))];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const [head = "", ...body] = lines;
  return [head, rule, ...body, "", ...rows.flatMap(remarks)].join("\n");
}

function remarks(row: Row): readonly string[] {
  const about = `${row.fault}, ${row.platform}`;
  return [
    ...row.facts.map((fact) => `  ${about}: ${fact}`),
    ...row.misses.map((miss) => `  MISSED    ${about}: ${miss}`),
    ...brokenPromises(row).map((broken) => `  BROKEN    ${about}: ${broken}`),
  ];
}

function reasons({ failed }: Row): string {
  return [...failed].map(([reason, count]) => `${count} ${reason}`).join(", ");
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
