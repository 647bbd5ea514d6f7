import type { Ask } from "./load.ts";

/** Seconds from `end` to the last answer after it that failed; 0 if none did. */
export function lastFailureAfter(asks: readonly Ask[], end: number): number {
  const last = asks.reduce((latest, ask) => (ask.failure === undefined ? latest : Math.max(latest, ask.at)), end);
  return (last - end) / 1000;
}

/** Seconds from `end` until every replica has given a token; undefined if one never did. */
export function firstTokenAfter(asks: readonly Ask[], end: number, replicas: number): number | undefined {
  const first = Array.from({ length: replicas }, (_, replica) =>
    asks.find((ask) => ask.replica === replica && ask.failure === undefined && ask.at >= end),
  );
  if (first.some((ask) => ask === undefined)) return undefined;
  return first.reduce((latest, ask) => Math.max(latest, ask?.at ?? 0), end) / 1000 - end / 1000;
}
