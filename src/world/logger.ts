import { pino } from "pino";
import { redactSecrets } from "../secret-shapes.ts";
import type { Log } from "../world.ts";

/** One JSON line per event on stdout: `level`, `time` (ISO 8601), `event` and the event's fields. */
export function createLogger(level: string): Log {
  const logger = pino(
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
  return {
    trace: (fields, event) => logger.trace(fields, event),
    debug(fields, event) {
      if (logger.isLevelEnabled("debug")) logger.debug(typeof fields === "function" ? fields() : fields, event);
    },
    info: (fields, event) => logger.info(fields, event),
    warn: (fields, event) => logger.warn(fields, event),
    error: (fields, event) => logger.error(fields, event),
  };
}
