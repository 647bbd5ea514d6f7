import { setTimeout as delay } from "node:timers/promises";
import { sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../../postgres-target.ts";
import type { Log } from "../../world.ts";
import {
  changeChannel,
  createPublishedChanges,
  historyChannel,
  type PublishedChanges,
  parseChange,
} from "../changes.ts";
import { DeadlineExceeded, within } from "../deadline.ts";
import { createPostgresClient, type PostgresClient } from "./client.ts";
import { readOnly } from "./only-reads.ts";

const one = sql`(select 1) as one`;
/** How often a heartbeat is sent round. */
const beatMs = 500;
/** A beat older than this proves nothing any more. With `beatMs` and the way there it bounds staleness to 2 s. */
const provenMs = 1_400;
/** Without a beat for this long the connection is given up. */
const rebuildMs = 3_000;

export interface PostgresChanges extends PublishedChanges {
  close(): Promise<void>;
}

/**
 * Listens on a direct connection of its own, so that it works beside a transaction pooler. Heartbeats go round through
 * the same channel: one that comes back proves that everything committed before it was sent has been seen.
 */
export function listenForChanges(options: {
  readonly target: PostgresTarget;
  readonly random: (bytes: number) => Buffer;
  readonly log: Log;
}): PostgresChanges {
  const { target, random, log } = options;
  const changes = createPublishedChanges();
  const replica = random(8).toString("hex");
  const stopping = new AbortController();
  let provenAt = Number.NEGATIVE_INFINITY;
  let alive = false;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const client = createPostgresClient(target, {
        maxConnections: 1,
        connectTimeoutSeconds: 3,
        session: { limits: { statementMs: 3_000, lockMs: 1_000, idleInTransactionMs: 5_000 }, schema: undefined },
        random,
      });
      try {
        await listen(client);
        client.doubt();
      } catch (error) {
        // Whatever cut it short, the next connection begins anew.
        if (error instanceof DeadlineExceeded) client.doubt();
      }
      await client.end(0).catch(() => undefined);
      note();
      await delay(100 + random(1).readUInt8(0), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  /** Until the connection has brought no heartbeat for too long, or leads to a server that nothing is written to. */
  async function listen({ db, listen }: PostgresClient): Promise<void> {
    const openedAt = performance.now();
    const sent = new Map<string, number>();
    const hear = (payload: string) => {
      if (!payload.startsWith("beat ")) return changes.publish(parseChange(payload));
      provenAt = Math.max(provenAt, sent.get(payload) ?? Number.NEGATIVE_INFINITY);
      sent.delete(payload);
      note();
    };
    // Also after postgres.js connected anew by itself: what was announced meanwhile is lost.
    const lost = () => changes.publish({ kind: "everything", missed: true });
    await within(rebuildMs, listen(changeChannel, hear, lost));
    await within(
      rebuildMs,
      listen(
        historyChannel,
        () => changes.publish({ kind: "history" }),
        () => undefined,
      ),
    );
    for (let beat = 0; !stopping.signal.aborted; beat++) {
      const payload = `beat ${replica} ${beat}`;
      sent.set(payload, performance.now());
      const beaten = db.select({ readOnly, sent: sql`pg_notify(${changeChannel}, ${payload})` }).from(one);
      const [answer] = await within(rebuildMs, beaten.execute());
      // After a failover the former primary goes on listening, and nothing is announced there any more.
      if (answer?.readOnly === "on") return;
      note();
      if (performance.now() - Math.max(provenAt, openedAt) > rebuildMs) return;
      await delay(beatMs, undefined, { signal: stopping.signal });
    }
  }

  function isAlive(): boolean {
    return performance.now() - provenAt < provenMs;
  }

  function note(): void {
    if (alive === isAlive()) return;
    alive = !alive;
    log[alive ? "info" : "warn"]({ alive }, "changes.listening");
  }

  const running = run();
  return {
    ...changes,
    isAlive,
    async close() {
      stopping.abort();
      await running;
    },
  };
}
