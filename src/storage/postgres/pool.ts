import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { sql } from "drizzle-orm/sql";
import { addressOf, type PostgresTarget } from "../../postgres-target.ts";
import type { Log } from "../../world.ts";
import type { Database, Queries } from "../database.ts";
import { databaseFailure, driverError, errorCode, isUnavailable, isWrongNode } from "../database-failure.ts";
import { DeadlineExceeded, within } from "../deadline.ts";
import { createPostgresClient, type PostgresClient } from "./client.ts";
import { OnlyReads } from "./only-reads.ts";
import {
  type AskedOfSession,
  type ServerLimits,
  type SessionWishes,
  sessionSettings,
  statedForTransaction,
} from "./session.ts";

export interface PostgresPool extends Database {
  /** What every session, or behind a pooler every transaction, is told of itself. */
  readonly settings: AskedOfSession;
  /** Lets running statements finish, for a few seconds. */
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly target: PostgresTarget;
  readonly maxConnections: number;
  /** Whether `target` is a transaction pooler. */
  readonly pooled: boolean;
  /** Where the tables are; by default wherever the role's search path leads. */
  readonly schema?: string | undefined;
  readonly random: (bytes: number) => Buffer;
  readonly log: Log;
}

/**
 * Ours, since a frozen server leaves a statement waiting for ever, whatever limits it was given. With a read's a call
 * that cannot go on without the database is refused within 1.5 s.
 */
const deadlineMs = { read: 1_300, write: 3_000, transaction: 5_000 };
const limits: ServerLimits = { statementMs: 3_000, lockMs: 1_000, idleInTransactionMs: 5_000 };
/** So many statements in a row without an answer, and the connections are given up. */
const missesBeforeRebuild = 3;
/**
 * New connections are given so long to bring a first answer: a frozen server accepts every one of them once it thaws,
 * and has to work through those that were given up before it gets to ours.
 */
const firstAnswerMs = 5_000;
/** Connections that led to the wrong node are replaced this often at most, while there is no right one. */
const wrongNodeMs = 1_000;
const closeSeconds = 5;

interface Connections {
  readonly client: PostgresClient;
  readonly openedAt: number;
  answered: boolean;
  running: number;
  retired: boolean;
}

type Work<T> = (db: Queries) => Promise<T>;

export function createPostgresPool(options: PoolOptions): PostgresPool {
  const { target, maxConnections, pooled, schema, random, log } = options;
  const session: SessionWishes = { limits, schema };
  const settings = sessionSettings(session, target.session);
  const stated = sql.raw(`${statedForTransaction(settings)}, current_setting('transaction_read_only') as read_only`);
  let current = connect();
  let misses = 0;
  let answeredAt = performance.now();

  function connect(): Connections {
    const client = createPostgresClient(target, {
      maxConnections,
      connectTimeoutSeconds: 3,
      session: pooled ? undefined : session,
      random,
      stuck: () => leave(made, "CONNECTION_STUCK"),
    });
    const made = { client, openedAt: performance.now(), answered: false, running: 0, retired: false };
    return made;
  }

  async function run<T>(limitMs: number, work: (db: PostgresJsDatabase) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    // A former primary that lives on answers what is read, and commits nothing.
    if (current.client.isLeftBehind()) leave(current, "CONNECTION_LEFT_BEHIND");
    const used = current;
    used.running += 1;
    try {
      const result = await within(limitMs, work(used.client.db));
      answeredAt = performance.now();
      misses = 0;
      used.answered = true;
      return result;
    } catch (error) {
      // While others are answered the server is slow, or we ask too much of it, and new connections do not help.
      if (error instanceof DeadlineExceeded && answeredAt < startedAt) missed(used);
      const cause = driverError(error);
      if (isWrongNode(cause) || isPoolerWithout(cause)) leave(used, errorCode(cause), "doubted");
      throw databaseFailure(error);
    } finally {
      used.running -= 1;
      endRetired(used);
    }
  }

  /** A connection that was cut, or leads to the wrong node, is noticed by the next statement. Reading again does no harm. */
  async function readTwice<T>(work: (db: PostgresJsDatabase) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await run(deadlineMs.read, work);
    } catch (error) {
      const leftMs = deadlineMs.read - (performance.now() - startedAt);
      if (leftMs <= 0 || !isUnavailable(driverError(error))) throw error;
      return run(leftMs, work);
    }
  }

  function missed(used: Connections): void {
    misses += 1;
    if (misses < missesBeforeRebuild || used !== current) return;
    if (!used.answered && performance.now() - used.openedAt < firstAnswerMs) return;
    used.client.doubt();
    replace();
    used.client.end(0).catch(() => undefined);
  }

  /** Of several poolers one that reaches no server lets everybody in all the same, and says so to each statement. */
  function isPoolerWithout(cause: unknown): boolean {
    return target.others.length > 0 && /^08/.test(errorCode(cause) ?? "");
  }

  /** What runs on the old connections may finish. */
  function leave(used: Connections, code: string | undefined, server?: "doubted"): void {
    if (used !== current || performance.now() - used.openedAt < wrongNodeMs) return;
    if (server === "doubted") used.client.doubt();
    replace(code);
    used.retired = true;
    endRetired(used);
  }

  function endRetired(used: Connections): void {
    if (used.retired && used.running === 0) used.client.end(closeSeconds).catch(() => undefined);
  }

  function replace(code?: string): void {
    log.warn({ servers: addressOf(target), code }, "database.connections_replaced");
    misses = 0;
    current = connect();
  }

  /** What is stated is sent at once, with the first statement of `work` behind it. */
  const inTransaction = <T>(db: PostgresJsDatabase, work: Work<T>): Promise<T> =>
    db.transaction(async (tx) => {
      if (!pooled) return work(tx);
      // Without `then` drizzle would send it after what `work` awaits.
      const told = tx.execute<{ read_only: string }>(stated).then(([is]) => {
        // What a pooler says at login of the server behind it, it may have heard of another one.
        if (is?.read_only === "on") throw new OnlyReads();
      });
      const [result] = await Promise.all([(async () => work(tx))(), told]);
      return result;
    });
  const alone =
    <T>(work: Work<T>) =>
    (db: PostgresJsDatabase) =>
      pooled ? inTransaction(db, work) : work(db);

  return {
    settings,
    read: (work) => readTwice(alone(work)),
    write: (work) => run(deadlineMs.write, alone(work)),
    transaction: (work) => run(deadlineMs.transaction, (db) => inTransaction(db, work)),
    close: () => current.client.end(closeSeconds),
  };
}
