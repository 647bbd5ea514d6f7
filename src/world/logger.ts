import { pino } from "pino";
import type { Log } from "../world.ts";

/** What platforms' secrets look like: the last line of defence, behind never logging one. */
const secretShapes =
  /\b(?:gh[sopur]_[A-Za-z0-9._-]{8,}|xox[a-z]?[.-][A-Za-z0-9.-]{8,}|xapp-[A-Za-z0-9-]{8,}|eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9._-]*|gAAAAA[A-Za-z0-9_=-]{16,})/g;

/** One JSON line per event on stdout: `level`, `time` (ISO 8601), `event` and the event's fields. */
export function createLogger(level: string): Log {
  return pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redactSecrets },
    },
    pino.destination({ dest: 1, sync: true }),
  );
}

/** Replaces everything that looks like a platform's secret or a sealed text. */
export function redactSecrets(line: string): string {
  return line.replace(secretShapes, "[redacted]");
}
