import { UsageError } from "../command.ts";

const units: ReadonlyMap<string, number> = new Map([
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** How long something is to last, in milliseconds, as `90s`, `15m` or `24h`; undefined: it was not said. @throws UsageError. */
export function readLife(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ""] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const ms = Number(count) * (units.get(unit) ?? Number.NaN);
  if (ms > 0) return ms;
  throw new UsageError(`--${option} ${JSON.stringify(text)} is no length of time`, "write it as 90s, 15m or 24h");
}
