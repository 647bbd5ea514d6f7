import { readChoice } from "../settings/scalars.ts";
import type { SettingReader } from "../settings/setting-reader.ts";

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** A level of pino's. */
export type LogLevel = (typeof levels)[number];

/** The earlier service was Python's, whose names for two levels differ. */
const pythonLevels = { warning: "warn", critical: "fatal" } as const;

export function readLogLevel(reader: SettingReader): LogLevel {
  const level = readChoice(reader, "LOG_LEVEL", [...levels, "warning", "critical"], "info");
  return level === "warning" || level === "critical" ? pythonLevels[level] : level;
}
