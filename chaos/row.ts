import { kindOf, type PlatformName } from "./grants.ts";
import type { Ask } from "./load.ts";
import { type PlatformTraffic, rotationsOf } from "./platform-traffic.ts";

/** One line of the table: one fault, as the callers of one platform and the platform itself saw it. */
export interface Row {
  readonly fault: string;
  readonly platform: PlatformName;
  readonly calls: number;
  /** Failed answers by reason. */
  readonly failed: ReadonlyMap<string, number>;
  readonly rotations: number;
  readonly refreshCalls: number;
  readonly mostAtOnce: number;
  /** Grants that a person has to connect again. */
  readonly lost: number;
  /** Tokens that were given without a row of the record; undefined where nobody looked. */
  readonly unrecorded: number | undefined;
  /** Tokens handed out after their end. */
  readonly expired: number;
  /** The longest of them, in milliseconds after the end. */
  readonly expiredMs: number;
  /** Calls that took longer than their deadline. */
  readonly late: number;
  readonly longestMs: number;
  /** From the end of the fault on; what counts as recovered is said with each scenario. */
  readonly recoverSeconds: number | undefined;
  /** Further figures, told below the table. */
  readonly facts: readonly string[];
  /** Targets that were missed, told below the table. */
  readonly misses: readonly string[];
}

/** What the callers of one platform and the platform saw; the scenario adds the rest. */
export function observed(
  platform: PlatformName,
  asks: readonly Ask[],
  traffic: PlatformTraffic,
): Omit<Row, "fault" | "lost" | "recoverSeconds" | "facts" | "misses"> {
  const mine = asks.filter((ask) => ask.grant.platform === platform);
  const failed = new Map<string, number>();
  for (const { failure } of mine) if (failure !== undefined) failed.set(failure, (failed.get(failure) ?? 0) + 1);
  return {
    platform,
    calls: mine.length,
    failed,
    rotations: rotationsOf(traffic.calls),
    refreshCalls: traffic.calls.length,
    mostAtOnce: traffic.mostAtOnce,
    unrecorded: undefined,
    expired: mine.filter((ask) => ask.expiredMs > 0).length,
    expiredMs: mine.reduce((longest, ask) => Math.max(longest, ask.expiredMs), 0),
    late: mine.filter((ask) => ask.late).length,
    longestMs: mine.reduce((longest, { ms }) => Math.max(longest, ms), 0),
  };
}

/** What must never happen, whatever breaks. */
export function brokenPromises(row: Row): readonly string[] {
  const broken: string[] = [];
  if (row.expired > 0)
    broken.push(`${row.expired} expired tokens were handed out, up to ${row.expiredMs.toFixed(0)} ms after their end`);
  if (row.mostAtOnce > 1) broken.push(`a refresh token was used ${row.mostAtOnce} times at once`);
  if (row.late > 0) broken.push(`${row.late} calls took longer than their deadline`);
  if ((row.unrecorded ?? 0) > 0) broken.push(`${row.unrecorded} tokens were given without a row`);
  if (row.lost > 0 && kindOf[row.platform] === "leeway") broken.push(`${row.lost} grants were lost`);
  return broken;
}
