import { randomBytes } from "node:crypto";
import type { LogFields, World } from "../src/world.ts";

export interface TestWorld extends World {
  /** Every line that was logged, as JSON. */
  readonly lines: string[];
}

/** The real randomness and fetch, a given clock, and a log that is kept for the test to read. */
export function createTestWorld(now: () => Date = () => new Date()): TestWorld {
  const lines: string[] = [];
  const write = (level: string) => (fields: LogFields, event: string) =>
    void lines.push(JSON.stringify({ level, event, ...fields }));
  const log = {
    trace: write("trace"),
    debug: (fields: LogFields | (() => LogFields), event: string) =>
      write("debug")(typeof fields === "function" ? fields() : fields, event),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  const out: World["fetch"] = (...args) => fetch(...args);
  return { now, random: (bytes) => randomBytes(bytes), fetch: out, fetchNamed: out, log, lines };
}
