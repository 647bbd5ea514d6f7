import { Roster } from "../../work/roster.ts";
import { singleFlight } from "../../work/single-flight.ts";
import type { World } from "../../world.ts";
import type { ChangeFeed } from "../model/change-feed.ts";
import type { Credential } from "../model/credential.ts";
import type { CredentialRepository } from "../model/credential-repository.ts";
import { notConfigured, type Platforms } from "../model/platforms.ts";
import { failureOf, type RefreshFailure, type RefreshOutcome } from "../model/refresh-failure.ts";
import { silentTelemetry, type Telemetry } from "../model/telemetry.ts";
import { type NoteEvent, noteNothing } from "../record/noted-events.ts";
import { createAwaitChange } from "./await-change.ts";
import { fraction } from "./backoff.ts";
import { mintByLease } from "./leased-mint.ts";
import { measuredRefresh } from "./measured-refresh.ts";
import { createRefreshEvents } from "./refresh-events.ts";

/** Longer than acquiring, sending and the deadline of a platform call together: its end means its holder is gone. */
const leaseMs = 20_000;
/** A holder that was held up this long between lease and call gives the lease back instead of calling. */
const maxHesitationMs = 2_000;
/** How long a waiter follows another replica's refresh: a crashed holder's lease and one call after it. */
const maxWaitMs = leaseMs + 12_000;
const pollMs = { first: 25, most: 250 };

export interface Refresher {
  /**
   * Replaces the token set that `seen` shows, exactly once among all callers and replicas, and gives what is stored
   * afterwards. Not tied to any caller: a rotation that has begun is always stored.
   */
  refresh(seen: Credential): Promise<RefreshOutcome>;
  /** What is stored, if it is newer than what was seen. Asks no platform. */
  newer(seen: Credential): Promise<RefreshOutcome | undefined>;
  /** Resolves when no refresh is under way. */
  idle(): Promise<void>;
}

/** The lease algorithm: write-ahead mark, one call with no database connection held, commit fenced by version. */
export function createRefresher(parts: {
  readonly credentials: CredentialRepository;
  readonly platforms: Platforms;
  /** Wakes whoever waits for another replica's refresh as soon as that is stored. */
  readonly changes?: ChangeFeed;
  readonly world: World;
  readonly telemetry?: Telemetry;
  /** Puts refreshes and refusals on record. */
  readonly note?: NoteEvent;
}): Refresher {
  const { credentials, platforms, world, telemetry = silentTelemetry, note = noteNothing } = parts;
  const events = createRefreshEvents(note, world);
  const awaitChange = createAwaitChange(parts.changes);
  const flight = singleFlight<RefreshOutcome>();
  const running = new Roster<Promise<RefreshOutcome>>();

  async function run(seen: Credential, waiting: (ms: number) => void): Promise<RefreshOutcome> {
    const platform = platforms.byName(seen.platform);
    if (platform === undefined) throw notConfigured(seen.platform);
    const started = performance.now();
    for (let pause = pollMs.first; ; pause = Math.min(pause * 2, pollMs.most)) {
      const asked = performance.now();
      const attemptId = world.random(16).toString("hex");
      const lease = await credentials.acquire(seen.id, seen.version, attemptId, leaseMs, platform.registration);
      if (lease !== undefined) {
        if (performance.now() - asked < maxHesitationMs)
          return mintByLease({ lease, platform, credentials, world, events });
        await credentials.abandon(lease);
        continue;
      }
      const state = await credentials.read(seen.id);
      if (state === undefined || state.credential.status === "revoked") return failed("gone");
      if (state.credential.version !== seen.version) return { kind: "current", credential: state.credential };
      if (state.credential.status === "dead") return failed("dead");
      if (!state.attemptOpen && state.leaseRemainingMs > 0) {
        return { kind: "failed", ...failureOf(state.credential.lastError), retryAfterMs: state.leaseRemainingMs };
      }
      if (performance.now() - started > maxWaitMs) return failed("unavailable", state.leaseRemainingMs);
      const pauseMs = pause * (0.5 + fraction(world.random));
      waiting(pauseMs);
      await awaitChange(seen.id, pauseMs);
    }
  }

  return {
    refresh: (seen) =>
      flight(`${seen.id}:${seen.version}`, () => {
        const outcome = measuredRefresh(telemetry, seen.platform, (waiting) => run(seen, waiting));
        const take = running.add(outcome);
        const done = () => void take();
        outcome.then(done, done);
        return outcome;
      }),
    async newer(seen) {
      const state = await credentials.read(seen.id);
      if (state === undefined || state.credential.status === "revoked") return undefined;
      return state.credential.version === seen.version ? undefined : { kind: "current", credential: state.credential };
    },
    async idle() {
      await Promise.allSettled(running);
    },
  };
}

function failed(failure: RefreshFailure, retryAfterMs = 0): RefreshOutcome {
  return { kind: "failed", failure, retryAfterMs };
}
