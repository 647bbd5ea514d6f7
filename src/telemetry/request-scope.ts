import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestIds } from "../domain/model/telemetry.ts";
import type { Log, LogFields } from "../world.ts";

/** Knows, wherever code runs, which request it runs for. */
export interface RequestScope {
  run<T>(ids: RequestIds, work: () => T): T;
  /** The same log, with the ids of the request that a line is written for. */
  log(log: Log): Log;
}

export function createRequestScope(): RequestScope {
  const current = new AsyncLocalStorage<RequestIds>();

  function named(fields: LogFields): LogFields {
    const ids = current.getStore();
    return ids === undefined ? fields : { requestId: ids.requestId, traceId: ids.trace?.traceId, ...fields };
  }

  return {
    run: (ids, work) => current.run(ids, work),
    log: (log) => ({
      trace: (fields, event) => log.trace(named(fields), event),
      debug: (fields, event) => log.debug(() => named(typeof fields === "function" ? fields() : fields), event),
      info: (fields, event) => log.info(named(fields), event),
      warn: (fields, event) => log.warn(named(fields), event),
      error: (fields, event) => log.error(named(fields), event),
    }),
  };
}
