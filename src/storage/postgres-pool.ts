import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { sql } from "drizzle-orm/sql";
import type { PostgresTarget } from "../postgres-target.ts";
import type { Log } from "../world.ts";
import type { Database, Queries } from "./database.ts";
import { databaseFailure, driverError, isUnavailable } from "./database-failure.ts";
import { DeadlineExceeded, within } from "./deadline.ts";
import { createPostgresClient, type PostgresClient, type ServerLimits } from "./postgres-client.ts";

export interface PostgresPool extends Database {
  /** Lets running statements finish, for a few seconds. */
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly target: PostgresTarget;
  readonly maxConnections: number;
  /** Whether `target` is a transaction pooler. */
  readonly pooled: boolean;
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
const closeSeconds = 5;

interface Connections {
  readonly client: PostgresClient;
  readonly db: PostgresJsDatabase;
  readonly openedAt: number;
  answered: boolean;
}

export function createPostgresPool({ target, maxConnections, pooled, random, log }: PoolOptions): PostgresPool {
  let current = connect();
  let misses = 0;
  let answeredAt = performance.now();

  function connect(): Connections {
    const client = createPostgresClient(target, {
      maxConnections,
      connectTimeoutSeconds: 3,
      limits: pooled ? undefined : limits,
      random,
    });
    return { client, db: drizzle(client.sql), openedAt: performance.now(), answered: false };
  }

  async function run<T>(limitMs: number, work: (db: PostgresJsDatabase) => Promise<T>): Promise<T> {
    const used = current;
    const startedAt = performance.now();
    try {
      const result = await within(limitMs, work(used.db));
      answeredAt = performance.now();
      misses = 0;
      used.answered = true;
      return result;
    } catch (error) {
      // While others are answered the server is slow, or we ask too much of it, and new connections do not help.
      if (error instanceof DeadlineExceeded && answeredAt < startedAt) missed(used);
      throw databaseFailure(error);
    }
  }

  function missed(used: Connections): void {
    misses += 1;
    if (misses < missesBeforeRebuild || used !== current) return;
    if (!used.answered && performance.now() - used.openedAt < firstAnswerMs) return;
    log.warn({ host: target.host, port: target.port }, "database.connections_replaced");
    misses = 0;
    current = connect();
    used.client.end(0).catch(() => undefined);
  }

  return {
    read: (work) => run(deadlineMs.read, (db) => askAgainIfCut(() => work(db))),
    write: (work) => run(deadlineMs.write, work),
    transaction: (work) =>
      run(deadlineMs.transaction, (db) =>
        db.transaction(async (tx) => {
          if (pooled) await limitTransaction(tx);
          return work(tx);
        }),
      ),
    close: () => current.client.end(closeSeconds),
  };
}

async function limitTransaction(tx: Queries): Promise<void> {
  const set = (name: string, ms: number) => sql`set_config(${name}, ${`${ms}ms`}, true)`;
  const timeouts = sql`${set("statement_timeout", limits.statementMs)}, ${set("lock_timeout", limits.lockMs)}`;
  await tx.select({ set: sql`1` }).from(sql`(select ${timeouts}) as timeouts`);
}

/** A connection that was cut while it lay idle is noticed by the first statement on it. Reading again does no harm. */
async function askAgainIfCut<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isUnavailable(driverError(error))) throw error;
    return read();
  }
}
