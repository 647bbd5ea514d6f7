import type { World } from "../../world.ts";
import type { CredentialRepository, Lease, RecordedFailure } from "../model/credential-repository.ts";
import type { Platform } from "../model/platform.ts";
import type { RefreshFailure, RefreshOutcome } from "../model/refresh-failure.ts";
import { backoffMs, fraction } from "./backoff.ts";
import type { RefreshEvents } from "./refresh-events.ts";

/** One lease, and what its holder needs to ask for a token and to store the answer. */
export interface HeldLease {
  readonly lease: Lease;
  readonly platform: Platform;
  readonly credentials: CredentialRepository;
  readonly world: World;
  readonly events: RefreshEvents;
}

/** Records a failure and gives the lease back. */
export async function fail(
  { lease, credentials }: HeldLease,
  failure: RefreshFailure,
  recorded: RecordedFailure,
): Promise<Extract<RefreshOutcome, { kind: "failed" }>> {
  await credentials.release(lease, recorded);
  return { kind: "failed", failure, retryAfterMs: recorded.backoffMs };
}

/** How long the platform is left alone for this credential after one more failure. */
export function wait({ lease, world }: HeldLease): number {
  return backoffMs(lease.credential.failures, () => fraction(world.random));
}

/** Puts on record that the platform refused it. Which installations it served is only wanted for that. */
export async function noteRejection({ lease, credentials, events }: HeldLease, code: string): Promise<void> {
  const served = await credentials.servedBy(lease.credential.id).catch(() => []);
  events.rejected(lease.credential, code, served);
}
