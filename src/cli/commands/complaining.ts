import type { Log, LogFields } from "../../world.ts";
import type { CommandWorld } from "../command.ts";

/** Standard output is for what was done: trouble on the way there goes beside it. */
export function complaining({ note }: CommandWorld): Log {
  const silent = () => undefined;
  const line = (fields: LogFields, event: string) => note({ event, ...fields });
  return { trace: silent, debug: silent, info: silent, warn: line, error: line };
}
