import { pino } from "pino";
import type { Redact } from "../secret-shapes.ts";
import type { Log } from "../world.ts";
import { standardOutput } from "./line-output.ts";

/** The log of a process. */
export interface Logger extends Log {
  readonly dropped: () => number;
  /** Before the process ends: waits for the reader of the last lines, at most that long. */
  flush(timeoutMs: number): Promise<void>;
}

/**
 * One JSON line per event on stdout: `level`, `time` (ISO 8601), `event` and the event's fields. Nobody waits for whoever
 * reads it: lines that are not read are given up, and `log.lines_dropped` says how many once they are read again.
 */
export function createLogger(level: string, redact: Redact): Logger {
  const output = standardOutput((lines) => logger.warn({ lines }, "log.lines_dropped"));
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    output,
  );
  return {
    trace: (fields, event) => logger.trace(fields, event),
    debug(fields, event) {
      if (logger.isLevelEnabled("debug")) logger.debug(typeof fields === "function" ? fields() : fields, event);
    },
    info: (fields, event) => logger.info(fields, event),
    warn: (fields, event) => logger.warn(fields, event),
    error: (fields, event) => logger.error(fields, event),
    dropped: output.dropped,
    flush: output.flush,
  };
}
