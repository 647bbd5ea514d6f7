import { createHash } from "node:crypto";

/** One refresh that a replica asked a platform for. */
export interface RefreshCall {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  /** SHA-256 of the refresh token. */
  readonly token: string;
  /** Whether the platform gave a new token set. */
  granted: boolean;
  /** Whether its caller was gone when the answer came. */
  unheard: boolean;
}

/** What one platform was asked for, by all replicas together. */
export interface PlatformTraffic {
  readonly calls: readonly RefreshCall[];
  /** The most uses of one refresh token that were under way at once. */
  readonly mostAtOnce: number;
  /** Notes a use; ended when the platform is done with it, whether or not its caller still lives. */
  begin(refreshToken: string): RefreshUse;
}

export interface RefreshUse {
  granted(): void;
  unheard(): void;
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
    begin(refreshToken) {
      const token = createHash("sha256").update(refreshToken).digest("hex");
      const call: RefreshCall = { at: performance.now(), token, granted: false, unheard: false };
      calls.push(call);
      const use = (uses.get(token) ?? 0) + 1;
      uses.set(token, use);
      mostAtOnce = Math.max(mostAtOnce, use);
      let ended = false;
      return {
        granted() {
          call.granted = true;
        },
        unheard() {
          call.unheard = true;
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
