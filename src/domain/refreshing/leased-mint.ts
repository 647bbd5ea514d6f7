import { setTimeout as delay } from "node:timers/promises";
import { describeError } from "../../described-error.ts";
import { ServiceError } from "../../errors.ts";
import type { Secret } from "../../secret.ts";
import type { Credential, TokenSet } from "../model/credential.ts";
import type { CommitOutcome } from "../model/credential-repository.ts";
import type { MintOutcome } from "../model/platform.ts";
import type { RefreshOutcome } from "../model/refresh-failure.ts";
import { refreshTime } from "../model/token.ts";
import { fraction } from "./backoff.ts";
import { fail, type HeldLease, noteRejection, wait } from "./held-lease.ts";
import { alone, aloneMs, doubt, doubted, refusedBy, suspendedMs } from "./judge-refusal.ts";
import { mayEndOthers } from "./may-end-others.ts";

/** A refused token is not believed while an earlier attempt this young may still report its success. */
const openAttemptGraceMs = 60_000;
const rateLimitMs = 30_000;
/** What a platform in trouble guesses of its end counts up to here, so that the end is noticed within 10 s. */
const maxOutageMs = 6_000;
/** A further call begins no later than this: with the 10 s it may take it still ends before the lease of 20 s does. */
const lastCallMs = 8_000;

/** What the holder of a lease does: ask the platform once, then store the answer whatever it is. */
export async function mintByLease(held: HeldLease): Promise<RefreshOutcome> {
  const { lease, platform } = held;
  const started = performance.now();
  const outcome = await mintWith(held, lease.refreshToken);
  if (outcome.kind !== "rejected") return settle(held, outcome);

  const moved = await newerThanLease(held);
  if (moved !== undefined) return moved;
  if (outcome.uninstalled === true) return believe(held, outcome.code);
  for (const other of otherTokens(held)) {
    if (performance.now() - started > lastCallMs) {
      return fail(held, "unavailable", { error: "unavailable", backoffMs: wait(held), unclear: false });
    }
    const second = await mintWith(held, other);
    if (second.kind !== "rejected") return settle(held, second);
  }
  const { openAttemptAt } = lease;
  if (openAttemptAt !== undefined && held.world.now().getTime() - openAttemptAt.getTime() < openAttemptGraceMs) {
    return fail(held, "unavailable", { error: "unclear", backoffMs: 5_000, unclear: true });
  }
  if (isYoung(lease.credential)) {
    return fail(held, "unavailable", { error: "not_known_yet", backoffMs: wait(held), unclear: false });
  }
  // Where a spent token never works again, an attempt that did not report back most likely spent this one.
  const lost = openAttemptAt !== undefined && platform.reuseLeewayMs === 0;
  return believe(held, lost ? "rotation_lost" : outcome.code);
}

/** Unless the platform says so of nearly everybody. */
async function believe(held: HeldLease, code: string): Promise<RefreshOutcome> {
  // What is known to be dead is no news about the platform.
  const isNews = held.lease.credential.status === "active";
  return isNews && (await doubted(held, code)) ? doubt(held, code) : condemn(held, code);
}

async function settle(held: HeldLease, outcome: Exclude<MintOutcome, { kind: "rejected" }>): Promise<RefreshOutcome> {
  const { lease, credentials, world } = held;
  switch (outcome.kind) {
    case "minted":
      return store(held, outcome.tokens);
    case "confirmed":
      await credentials.confirm(outcome.ofAnyClient === true ? { ...lease, registration: undefined } : lease);
      return { kind: "current", credential: lease.credential };
    case "suspended":
      held.events.suspended(await credentials.setSuspended(lease.credential.id, true));
      return fail(held, "suspended", { error: "suspended", backoffMs: suspendedMs, unclear: false });
    case "refused":
      return refusedBy(held, outcome.code);
    case "misconfigured":
      world.log.error(
        { platform: lease.credential.platform, code: outcome.code, credential: lease.credential.id },
        "platform.misconfigured",
      );
      return (
        (await alone(held, outcome.code, aloneMs.misconfigured)) ??
        fail(held, "misconfigured", { error: "misconfigured", backoffMs: wait(held), unclear: false })
      );
    case "rate_limited": {
      const limit = outcome.retryAfterMs ?? rateLimitMs;
      return fail(held, "rate_limited", { error: "rate_limited", backoffMs: limit, unclear: false });
    }
    case "not_granted":
      return fail(held, "unavailable", { error: "unavailable", backoffMs: wait(held), unclear: false });
    case "unavailable": {
      const unclear = outcome.mayHaveBeenProcessed && lease.credential.kind === "rotating";
      world.log.warn(
        { platform: lease.credential.platform, cause: outcome.cause, unclear, credential: lease.credential.id },
        "platform.unavailable",
      );
      const given = await alone(held, outcome.cause, aloneMs.unavailable);
      if (given !== undefined) return given;
      return fail(held, "unavailable", {
        error: unclear ? "unclear" : "unavailable",
        backoffMs: Math.min(outcome.retryAfterMs ?? wait(held), maxOutageMs),
        unclear,
      });
    }
  }
}

async function store(held: HeldLease, tokens: TokenSet): Promise<RefreshOutcome> {
  const { lease, platform, credentials, world } = held;
  const { id, lastError } = lease.credential;
  const committed = await commitUntilStored(held, tokens);
  switch (committed.kind) {
    case "stored":
      world.log.info(
        { platform: platform.name, credential: id, version: committed.credential.version },
        "token.minted",
      );
      held.events.refreshed(lease.credential, tokens.token);
      // Also what was suspended when it was connected, or found so by a narrowed mint, which records no error.
      if (lease.credential.kind === "app_installation" || lastError === "suspended") {
        held.events.resumed(await credentials.setSuspended(id, false));
      }
      return { kind: "current", credential: committed.credential };
    case "superseded":
      return (await newerThanLease(held)) ?? { kind: "failed", failure: "gone", retryAfterMs: 0 };
    case "gone":
      // Nobody can reach this token any more, so it must not stay alive at the platform, unless more goes with it.
      if (
        platform.revocationReach(lease.credential.kind) !== "app" &&
        !mayEndOthers(platform, lease.credential, committed.inUse)
      ) {
        await platform.revoke({
          ...lease.credential,
          accessToken: tokens.token.value,
          refreshToken: tokens.refreshToken,
        });
      }
      return { kind: "failed", failure: "gone", retryAfterMs: 0 };
  }
}

/** The answer may be the only valid token there is: it is stored however long the database takes to come back. */
async function commitUntilStored(held: HeldLease, tokens: TokenSet): Promise<CommitOutcome> {
  const { lease, credentials, world } = held;
  const refreshAfter = refreshTime(tokens.token, fraction(world.random));
  for (;;) {
    try {
      return await credentials.commit(lease, tokens, refreshAfter);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.reason !== "SERVICE_UNAVAILABLE") throw error;
      const cause = describeError(error.cause);
      world.log.warn({ credential: lease.credential.id, cause }, "token.commit_retried");
      await delay(50 + 200 * fraction(world.random));
    }
  }
}

/** Tokens of the same grant that may still work: a second successor, then the predecessor within the leeway. */
function otherTokens({ lease, platform, world }: HeldLease): readonly Secret[] {
  const tokens: Secret[] = [];
  if (lease.spareRefreshToken !== undefined) tokens.push(lease.spareRefreshToken);
  const { previousRefreshToken, previousSpentAt } = lease;
  if (previousRefreshToken !== undefined && previousSpentAt !== undefined) {
    const spentForMs = world.now().getTime() - previousSpentAt.getTime();
    if (spentForMs < platform.reuseLeewayMs) tokens.push(previousRefreshToken);
  }
  return tokens;
}

function mintWith({ lease, platform }: HeldLease, refreshToken: Secret | undefined): Promise<MintOutcome> {
  const { kind, actor, subject, externalUserId, registration } = lease.credential;
  return platform.mint({
    kind,
    actor,
    subject,
    externalUserId,
    registration,
    accessToken: kind === "long_lived" ? lease.credential.accessToken() : undefined,
    refreshToken,
  });
}

async function newerThanLease({ lease, credentials }: HeldLease): Promise<RefreshOutcome | undefined> {
  const state = await credentials.read(lease.credential.id);
  if (state === undefined || state.credential.status === "revoked") {
    return { kind: "failed", failure: "gone", retryAfterMs: 0 };
  }
  if (state.credential.version === lease.credential.version) return undefined;
  return { kind: "current", credential: state.credential };
}

/** So many refusals in a row, some 20 s of them, until one that has never worked is believed to be gone. */
const patience = 8;

/** Right after an install the platform may not know it everywhere. Minted with our own key, nothing is lost by asking again. */
function isYoung({ kind, issuedAt, failures, status }: Credential): boolean {
  return kind === "app_installation" && status === "active" && issuedAt === undefined && failures < patience;
}

/** When one that needs no secret is looked at again, since it may come back: a minute, and an hour in the end. */
function revisitMs({ kind, failures }: Credential): number | undefined {
  if (kind !== "app_installation") return undefined;
  return Math.min(60_000 * 2 ** Math.max(failures - patience, 0), 3_600_000);
}

async function condemn(held: HeldLease, code: string): Promise<RefreshOutcome> {
  const { lease, credentials, world } = held;
  const backoffMs = revisitMs(lease.credential);
  if (lease.credential.status === "dead") {
    return fail(held, "dead", { error: code, backoffMs: backoffMs ?? 0, unclear: false });
  }
  if (await credentials.condemn(lease, code, backoffMs)) {
    world.log.warn({ platform: lease.credential.platform, credential: lease.credential.id, code }, "credential.dead");
    await noteRejection(held, code);
    return { kind: "failed", failure: "dead", retryAfterMs: 0 };
  }
  return (await newerThanLease(held)) ?? { kind: "failed", failure: "unavailable", retryAfterMs: wait(held) };
}
