import { describeError } from "../described-error.ts";
import type { HealthStatus } from "../rpc/grpc/health-status.ts";
import { driverError, errorCode, isWrongNode } from "../storage/database-failure.ts";
import type { Storage } from "../storage/storage.ts";
import type { Log, ServiceClock } from "../world.ts";
import { clockHealth } from "./clock-health.ts";
import type { KeyReport } from "./key-report.ts";

/** Whether this process serves, which it does while its database answers. */
export async function checkDatabase(storage: Storage, health: HealthStatus, log: Log): Promise<void> {
  const before = health.current;
  const failure = await storage.ping().then(
    () => undefined,
    (error: unknown) => describeError(driverError(error)),
  );
  const now = failure === undefined ? "SERVING" : "NOT_SERVING";
  if (now === before) return;
  health.set(now);
  log.warn({ status: now, cause: failure }, "health.changed");
}

/** What an operator is told of each part, in full. */
export async function readHealth(
  storage: Storage,
  clock: ServiceClock | undefined,
  keys: KeyReport,
  platforms: () => Promise<Readonly<Record<string, unknown>>>,
) {
  const database = await storage.ping().then(
    () => "ok",
    (error: unknown) => (takesNoWrites(driverError(error)) ? "not writable" : "unreachable"),
  );
  const parts = { database, keys: await keys.read(), clock: clockHealth(clock), platforms: await platforms() };
  return { ok: database === "ok", parts };
}

/** It answers, and is one that only reads, goes down or comes up; of several servers, none of them is another. */
function takesNoWrites(cause: unknown): boolean {
  return isWrongNode(cause) || errorCode(cause) === "CONNECTION_READ_ONLY";
}
