import { type PostgresServer, type PostgresTarget, serversOf } from "../../postgres-target.ts";
import { perObject } from "../../work/per-object.ts";

/** Which of a target's servers the next connection is made to. */
export interface ServerChoice {
  next(): PostgresServer;
  /** A session began there: the next ones do, too, until one fails. */
  worked(server: PostgresServer): void;
  /** None did. A server that takes long to fail is left alone for longer. */
  failed(server: PostgresServer, tookMs: number): void;
}

/** How long one that failed comes after the others: three times what it took to fail, within these. */
const leaveAloneMs = { least: 250, most: 10_000 };

/** What is known of a target's servers, by everybody who connects to it. */
export const choiceOf: (target: PostgresTarget) => ServerChoice = perObject((target) =>
  createServerChoice(serversOf(target), () => performance.now()),
);

export function createServerChoice(servers: readonly PostgresServer[], nowMs: () => number): ServerChoice {
  const until = new Map<PostgresServer, number>(servers.map((server) => [server, Number.NEGATIVE_INFINITY]));
  let good: PostgresServer | undefined;

  return {
    next() {
      if (good !== undefined) return good;
      // In turn, then: who failed last comes last.
      const [best] = [...until].toSorted(([, a], [, b]) => a - b);
      if (best === undefined) throw new Error("a target has a server");
      return best[0];
    },
    worked(server) {
      good = server;
    },
    failed(server, tookMs) {
      if (good === server) good = undefined;
      until.set(server, nowMs() + Math.min(Math.max(3 * tookMs, leaveAloneMs.least), leaveAloneMs.most));
    },
  };
}
