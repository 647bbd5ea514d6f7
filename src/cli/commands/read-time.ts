import { UsageError } from "../command.ts";

/** A time that was given to an option; undefined: none was. @throws UsageError. */
export function readTime(option: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new UsageError(
    `--${option} ${JSON.stringify(text)} is no time`,
    "write it as 2026-01-31 or 2026-01-31T12:00:00Z",
  );
}
