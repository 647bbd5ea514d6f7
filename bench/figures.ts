/** A number with three significant digits, thousands separated. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(digits, 3),
    maximumFractionDigits: Math.min(digits, 3),
  });
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function microseconds(value: number): string {
  return `${figure(value)} µs`;
}

export function milliseconds(value: number): string {
  return `${figure(value)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
