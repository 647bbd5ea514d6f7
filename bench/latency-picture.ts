import { quantile } from "./distribution.ts";
import type { Curve } from "./measurement.ts";

const width = 900;
const height = 480;
const plot = { left: 64, right: 650, top: 44, bottom: 420 };
const shares = [0, 0.5, 0.9, 0.99, 0.999, 0.9999];
const colours = ["#4269d0", "#e8543f", "#6b8f1f", "#c0399f", "#3ca3a3", "#b5761d", "#7d5bc0", "#808080"];

/**
 * Latency by percentile as an SVG. To the right the rarer: every step leaves a tenth of the calls. Latencies on a
 * logarithmic scale.
 */
export function latencyPicture(curves: readonly Curve[]): string {
  const lines = curves.map((curve) => ({ label: curve.label, points: pointsOf(curve.latenciesMs) }));
  const values = lines.flatMap((line) => line.points.map((point) => point.ms));
  const least = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const y = (ms: number) =>
    plot.bottom - ((plot.bottom - plot.top) * Math.log10(ms / least)) / Math.log10(most / least);

  const body: string[] = [];
  for (let ms = least; ms <= most * 1.001; ms *= 10) {
    body.push(rule(plot.left, y(ms), plot.right, y(ms)), text(plot.left - 8, y(ms) + 4, label(ms), "end"));
  }
  for (const share of shares) {
    const name = share === 0 ? "0" : share === 0.5 ? "median" : `${Number((share * 100).toFixed(2))} %`;
    body.push(rule(x(share), plot.top, x(share), plot.bottom), text(x(share), plot.bottom + 18, name, "middle"));
  }
  for (const [index, { label: name, points }] of lines.entries()) {
    const colour = colours[index % colours.length] ?? "";
    const path = points.map(({ share, ms }) => `${x(share).toFixed(1)},${y(ms).toFixed(1)}`).join(" ");
    const top = plot.top + 10 + index * 22;
    body.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<rect x="${plot.right + 18}" y="${top - 9}" width="14" height="4" fill="${colour}"/>`,
      text(plot.right + 40, top, name, "start"),
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Latency of calls by percentile</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${text(plot.left, 24, "Latency of calls by percentile (both scales logarithmic)", "start")}
${body.join("\n")}
${text((plot.left + plot.right) / 2, plot.bottom + 42, "share of calls that are at least this fast", "middle")}
</svg>
`;
}

/** The share of slower calls, as tenths of tenths. */
function x(share: number): number {
  const position = -Math.log10(1 - share) / -Math.log10(1 - (shares.at(-1) ?? 0));
  return plot.left + (plot.right - plot.left) * position;
}

/** Only as far to the right as there are calls to speak of. */
function pointsOf(latenciesMs: Float64Array): readonly { readonly share: number; readonly ms: number }[] {
  const steps = Array.from({ length: 161 }, (_, i) => 1 - 10 ** (-i / 40));
  return steps
    .filter((share) => share === 0 || latenciesMs.length * (1 - share) >= 2)
    .map((share) => ({ share, ms: Math.max(quantile(latenciesMs, share), 0.001) }));
}

function label(ms: number): string {
  return ms < 1 ? `${Math.round(ms * 1000)} µs` : ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function text(at: number, y: number, content: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${at.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#333">${content}</text>`;
}
