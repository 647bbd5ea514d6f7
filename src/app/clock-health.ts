import type { ServiceClock } from "../world.ts";

/** What `/health?full=1` says of this machine's clock. `skew_ms`: how far it is ahead of the database's, which counts. */
export function clockHealth(clock: ServiceClock | undefined): Readonly<Record<string, unknown>> {
  const reading = clock?.read();
  if (reading === undefined) return { state: "not measured" };
  return { state: reading.skewed ? "skewed" : "ok", skew_ms: reading.skewMs };
}
