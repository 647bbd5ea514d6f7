import { readChoice } from "../settings/scalars.ts";
import type { Reader } from "./settings.ts";

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** A level of pino's. */
export type LogLevel = (typeof levels)[number];

/** The earlier service was Python's, whose names for two levels differ. */
const pythonLevels = { warning: "warn", critical: "fatal" } as const;

export function readLogLevel(reader: Reader): LogLevel {
  const level = readChoice(reader, "LOG_LEVEL", [...levels, "warning", "critical"]);
  return level === "warning" || level === "critical" ? pythonLevels[level] : level;
}
