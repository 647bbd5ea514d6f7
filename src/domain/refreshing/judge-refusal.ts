import { isIncident, persistenceMs } from "../model/doubt.ts";
import { failureOf, namedError, type RefreshOutcome } from "../model/refresh-failure.ts";
import { fail, type HeldLease, noteRejection, wait } from "./held-lease.ts";
import { otherRegistration } from "./own-grants.ts";

/** A suspension, or a refusal of one installation, ends without a word to us. */
export const suspendedMs = 10_000;
/** So many failures in a row, for so long, with others served meanwhile, are about this credential alone. */
const aloneFailures = 5;
export const aloneMs = { misconfigured: 60_000, unavailable: 600_000 };
/** How soon it is asked again then: it may come back by itself. */
const aloneRetryMs = 6_000;

/** The installation's own no: nothing of ours has ended, and somebody there can change it. */
export async function refusedBy(held: HeldLease, code: string): Promise<RefreshOutcome> {
  const { platform, id: credential } = held.lease.credential;
  held.world.log.warn({ platform, code, credential }, "installation.refused");
  const recorded = { error: namedError("refused", code), backoffMs: suspendedMs, unclear: false };
  return { ...(await fail(held, "refused", recorded)), code };
}

/**
 * What is refused again and again while others of the platform are served is no outage and no mistake of ours: a person
 * has to look. Undefined while that is not sure.
 */
export async function alone(held: HeldLease, code: string, afterMs: number): Promise<RefreshOutcome | undefined> {
  const { lease, credentials, world } = held;
  const { id: credential, platform, kind, status, lastError } = lease.credential;
  if (status !== "active" || code === otherRegistration) return undefined;
  const givenUp = failureOf(lastError).failure === "dead" ? lastError : undefined;
  if (givenUp === undefined && !(await failsAlone(held, code, afterMs))) return undefined;
  if (kind === "app_installation") return refusedBy(held, code);
  const error = givenUp ?? namedError("refused_alone", code);
  world.log.warn({ platform, credential, code }, "credential.refused_alone");
  await credentials.giveUp(lease, { error, backoffMs: aloneRetryMs, unclear: false });
  if (givenUp === undefined) await noteRejection(held, error);
  return { kind: "failed", failure: "dead", retryAfterMs: 0 };
}

/** What several meet here is no one's alone, even if another replica, with other settings or another way, is served. */
async function failsAlone(held: HeldLease, code: string, afterMs: number): Promise<boolean> {
  const { lease, platform, credentials, world } = held;
  if (lease.credential.failures + 1 < aloneFailures || code === "left_alone") return false;
  if (platform.isInTrouble?.() === true) return false;
  const since = await credentials.failsAlone(lease);
  return since !== undefined && world.now().getTime() - since.getTime() >= afterMs;
}

/** Whether the platform calls so many dead that this one is not believed to be. */
export async function doubted({ lease, platform, credentials, world }: HeldLease, code: string): Promise<boolean> {
  const { calledDead, doubtedSince, confirmed } = await credentials.noteCalledDead(lease, platform.holder);
  if (confirmed || !isIncident(calledDead)) return false;
  if (doubtedSince !== undefined && world.now().getTime() - doubtedSince.getTime() >= persistenceMs) return false;
  const facts = { platform: platform.name, dead: calledDead.filter((dead) => dead).length, of: calledDead.length };
  world.log.error({ ...facts, credential: lease.credential.id, code }, "platform.deaths_doubted");
  return true;
}

/** Not believed, and neither is what was believed of it within the last hour. */
export async function doubt(held: HeldLease, code: string): Promise<RefreshOutcome> {
  const { credentials, platform, world } = held;
  const error = namedError("doubted", code);
  const failed = await fail(held, "doubted", { error, backoffMs: wait(held), unclear: false, doubted: true });
  const revived = await credentials.reviveCalledDead(platform.name);
  if (revived.length > 0) {
    world.log.warn({ platform: platform.name, installations: revived.map(({ id }) => id) }, "grant.revived");
  }
  return failed;
}
