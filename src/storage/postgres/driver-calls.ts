import { setImmediate as nextTurn } from "node:timers/promises";
import postgres from "postgres";
import { Unintelligible } from "../database-failure.ts";

/**
 * The driver's calls as drizzle makes them, with three faults of postgres.js kept away from every one of them:
 *
 * - Its counter of rows goes on after a statement that failed between its rows, so that the next result of the connection
 *   begins with holes. Rows are appended here; the counter is not used.
 * - It trips over bytes that are no answer, with whatever error JavaScript has for that. What is neither the server's
 *   word nor the driver's is `Unintelligible` here.
 * - It writes what a transaction still says, its rollback included, to a connection that is gone, and ends the process.
 */
export function guardedCalls(sql: postgres.Sql): postgres.Sql {
  const calls = { options: sql.options, unsafe: unsafeOf(sql), begin: beginOf(sql) };
  // drizzle asks for nothing else of a client.
  return calls as unknown as postgres.Sql;
}

type Unsafe = Pick<postgres.TransactionSql, "unsafe">;

function unsafeOf(sql: Unsafe) {
  return (...call: Parameters<Unsafe["unsafe"]>) => {
    const query = sql.unsafe(...call);
    const answer = understood(query.forEach((row, result: unknown[]) => void result.push(row)));
    const values = () => {
      // The statement is built a turn later, so that this is still in time.
      query.values();
      return answer;
    };
    return Object.assign(answer, { values });
  };
}

/** A transaction states how it is isolated, whatever the session's default is. */
function beginOf(sql: postgres.Sql) {
  return async <T>(work: (tx: postgres.TransactionSql) => Promise<T>): Promise<T> => {
    let isLost = false;
    let own: unknown;
    const guarded = async (tx: postgres.TransactionSql) => {
      try {
        const result = await work(guardedTransaction(tx, () => isLost));
        return isLost ? await forEver() : result;
      } catch (error) {
        own = error;
        // The driver tells of a lost connection in the turn in which it fails what waits for it.
        await nextTurn();
        if (isLost) return await forEver();
        throw error;
      }
    };
    const ended = sql.begin("isolation level read committed", guarded);
    ended.catch(() => {
      isLost = true;
    });
    try {
      return (await ended) as T;
    } catch (error) {
      throw error === own ? error : meant(error);
    }
  };
}

/** Once the connection is gone nothing of the transaction may reach the driver, neither a statement nor its end. */
function guardedTransaction(tx: postgres.TransactionSql, isLost: () => boolean): postgres.TransactionSql {
  const unsafe = unsafeOf(tx);
  const calls = {
    unsafe: (...call: Parameters<typeof unsafe>) => {
      if (isLost()) throw Object.assign(new Error("the connection is gone"), { code: "CONNECTION_CLOSED" });
      return unsafe(...call);
    },
    savepoint: <T>(work: (inner: postgres.TransactionSql) => Promise<T>) =>
      tx.savepoint((inner) => work(guardedTransaction(inner, isLost))),
  };
  return calls as unknown as postgres.TransactionSql;
}

function forEver(): Promise<never> {
  return new Promise(() => undefined);
}

async function understood<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw meant(error);
  }
}

/** Errors of the server and of sockets have a code, those of the driver too. What broke while reading has none of theirs. */
function meant(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const isNamed = error instanceof postgres.PostgresError || (typeof code === "string" && code !== "ERR_OUT_OF_RANGE");
  return isNamed ? error : new Unintelligible(error);
}
