import { createHash } from "node:crypto";

/** One refresh that a replica asked a platform for. */
export interface RefreshCall {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  /** SHA-256 of the refresh token. */
  readonly token: string;
  /** Whether the platform gave a new token set. */
  granted: boolean;
  /** Who asked. */
  readonly replica: number;
}

/** What one platform was asked for, by all replicas together. */
export interface PlatformTraffic {
  readonly calls: readonly RefreshCall[];
  /** The most uses of one refresh token that were under way at once. */
  readonly mostAtOnce: number;
  /** Notes a use; ended when the platform is done with it, whether or not its caller still lives. */
  begin(refreshToken: string, replica: number): RefreshUse;
}

export interface RefreshUse {
  granted(): void;
  end(): void;
}

export function createPlatformTraffic(): PlatformTraffic {
  const calls: RefreshCall[] = [];
  const uses = new Map<string, number>();
  let mostAtOnce = 0;

  return {
    calls,
    get mostAtOnce() {
      return mostAtOnce;
    },
    begin(refreshToken, replica) {
      const token = createHash("sha256").update(refreshToken).digest("hex");
      const call: RefreshCall = { at: performance.now(), token, replica, granted: false };
      calls.push(call);
      const use = (uses.get(token) ?? 0) + 1;
      uses.set(token, use);
      mostAtOnce = Math.max(mostAtOnce, use);
      let ended = false;
      return {
        granted() {
          call.granted = true;
        },
        end() {
          if (!ended) uses.set(token, (uses.get(token) ?? 1) - 1);
          ended = true;
        },
      };
    },
  };
}

/** Refresh tokens that were spent, each counted once however often it was used. */
export function rotationsOf(calls: readonly RefreshCall[]): number {
  return new Set(calls.filter((call) => call.granted).map((call) => call.token)).size;
}

/** Calls in each second of a span of time. */
export function perSecond(calls: readonly RefreshCall[], from: number, to: number): readonly number[] {
  const seconds = Array.from({ length: Math.ceil((to - from) / 1000) }, () => 0);
  for (const { at } of calls) {
    const second = Math.floor((at - from) / 1000);
    if (second >= 0 && second < seconds.length) seconds[second] = (seconds[second] ?? 0) + 1;
  }
  return seconds;
}

/** A replica that was killed, and when. */
export interface Kill {
  readonly replica: number;
  readonly at: number;
}

/**
 * How often a refresh token was asked with again. `unexplained`: though nobody had killed the replica that had asked
 * with it before.
 */
export function repeatsOf(
  calls: readonly RefreshCall[],
  kills: readonly Kill[],
): { readonly repeats: number; readonly unexplained: number } {
  const last = new Map<string, RefreshCall>();
  let repeats = 0;
  let unexplained = 0;
  for (const call of calls) {
    const before = last.get(call.token);
    last.set(call.token, call);
    if (before === undefined) continue;
    repeats++;
    const killed = kills.some(({ replica, at }) => replica === before.replica && at >= before.at && at <= call.at);
    if (!killed) unexplained++;
  }
  return { repeats, unexplained };
}
