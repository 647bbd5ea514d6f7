import { setTimeout as delay } from "node:timers/promises";
import { type PostgresServer, type PostgresTarget, serversOf } from "../../postgres-target.ts";
import { perObject } from "../../work/per-object.ts";

/** Which of a target's servers connections are made to: the one that works, and while none is known each is tried by one. */
export interface ServerChoice {
  /** @throws the last error once every server has failed since this was asked. */
  begin(): Promise<Attempt>;
  /** The one that works; undefined while none is known. */
  found(): PostgresServer | undefined;
  /** Sessions with this one bring no answers, or take no writes: it is looked for anew, this one last. */
  doubt(server: PostgresServer): void;
}

/** A connection that is being made. Settled once; whatever comes later says nothing. */
export interface Attempt {
  readonly server: PostgresServer;
  /** A session has begun: further connections are made there, unless another one was found meanwhile. */
  worked(): void;
  failed(error: unknown): void;
  /** It was given up for no fault of the server. */
  dropped(): void;
}

/** How long a server that failed, or is doubted, is not tried again. */
const restMs = 250;

interface State {
  readonly server: PostgresServer;
  isTried: boolean;
  failures: number;
  restsUntil: number;
}

/** What is known of a target's servers, by everybody who connects to it. */
export const choiceOf: (target: PostgresTarget) => ServerChoice = perObject((target) =>
  createServerChoice(serversOf(target), { nowMs: () => performance.now(), wait: (ms) => delay(ms) }),
);

export function createServerChoice(
  servers: readonly PostgresServer[],
  { nowMs, wait }: { readonly nowMs: () => number; readonly wait: (ms: number) => Promise<void> },
): ServerChoice {
  const states = servers.map((server): State => ({ server, isTried: false, failures: 0, restsUntil: -Infinity }));
  // Of one server nothing has to be found out.
  let good = states.length === 1 ? states[0] : undefined;
  let news = Promise.withResolvers<void>();
  let lastError: unknown;

  function tell(): void {
    news.resolve();
    news = Promise.withResolvers();
  }

  function attempt(state: State): Attempt {
    const isSearch = state !== good;
    let isSettled = false;
    if (isSearch) state.isTried = true;
    const settle = (work: () => void) => {
      if (isSettled) return;
      isSettled = true;
      if (isSearch) state.isTried = false;
      work();
      tell();
    };
    return {
      server: state.server,
      worked: () =>
        settle(() => {
          good ??= state;
        }),
      failed: (error) =>
        settle(() => {
          if (good === state && states.length > 1) good = undefined;
          state.failures += 1;
          state.restsUntil = nowMs() + restMs;
          lastError = error;
        }),
      dropped: () => settle(() => undefined),
    };
  }

  /** Of those that nobody tries the one that failed longest ago. */
  function next(): State | undefined {
    return states.filter(({ isTried }) => !isTried).toSorted((a, b) => a.restsUntil - b.restsUntil)[0];
  }

  return {
    async begin() {
      const before = states.map(({ failures }) => failures);
      for (;;) {
        if (good !== undefined) return attempt(good);
        if (states.every(({ failures }, index) => failures > (before[index] ?? 0))) throw lastError;
        const state = next();
        const leftMs = state === undefined ? Infinity : state.restsUntil - nowMs();
        if (state !== undefined && leftMs <= 0) return attempt(state);
        await Promise.race(state === undefined ? [news.promise] : [news.promise, wait(leftMs)]);
      }
    },
    found: () => good?.server,
    doubt(server) {
      const state = states.find((one) => one.server === server);
      if (state === undefined || states.length === 1) return;
      // It may still let everybody in: a former primary whose commits wait for ever, a pooler before a standby.
      state.restsUntil = nowMs() + restMs;
      if (good === state) good = undefined;
      tell();
    },
  };
}
