import type { AuditEvent, Recording } from "../../domain/model/audit-event.ts";
import { ServiceError } from "../../errors.ts";
import type { Database, Queries } from "../database.ts";
import { type ChainStep, type ChainTools, createChainWriter, insertStep } from "./chain-writer.ts";

/**
 * A change and the rows that put it on record: both are stored, or neither is.
 * @throws ServiceError SERVICE_UNAVAILABLE, also if a row is refused; what `work` throws passes.
 */
export type RecordedTransaction = <T>(
  work: (tx: Queries) => Promise<T>,
  record: Recording<T> | undefined,
) => Promise<T>;

/**
 * These rows are a chain of their own, beside the one of what is written alone: a step of that waits for a connection,
 * one of this has one already, and a queue of both could wait for itself. A step begins when a transaction has done all
 * else, and ends with its commit: waiting for locks of rows holds up nobody's record.
 */
export function createRecordedTransaction({
  database,
  ...tools
}: ChainTools & { readonly database: Database }): RecordedTransaction {
  const chain = createChainWriter(tools);
  let last: Promise<unknown> = Promise.resolve();

  /** Returns once the rows are part of the transaction, whose commit or failure is `end`. */
  function write(tx: Queries, events: readonly AuditEvent[], end: Promise<void>): Promise<void> {
    const written = Promise.withResolvers<void>();
    const store = async (step: ChainStep) => {
      // A statement that never comes back must not hold up the next transaction once its own was given up.
      await Promise.race([insertStep(tx, step), end]);
      written.resolve();
      await end;
    };
    const turn = async () => {
      // Given up while it waited, it has failed already.
      await Promise.race([end, Promise.resolve()]);
      await chain.extend(events, store);
    };
    last = last.then(turn).catch(written.reject);
    return written.promise;
  }

  return async (work, record) => {
    if (record === undefined) return database.transaction(work);
    const end = Promise.withResolvers<void>();
    end.promise.catch(() => undefined);
    try {
      const result = await database.transaction(async (tx) => {
        const changed = await work(tx);
        const events = record(changed);
        if (events.length > 0) await write(tx, events, end.promise).catch(notOnRecord);
        return changed;
      });
      end.resolve();
      return result;
    } catch (error) {
      end.reject(error);
      throw error;
    }
  };
}

function notOnRecord(cause: unknown): never {
  throw new ServiceError("SERVICE_UNAVAILABLE", "it cannot be put on record, and was not done", {
    retryAfterMs: 1_000,
    cause,
  });
}
