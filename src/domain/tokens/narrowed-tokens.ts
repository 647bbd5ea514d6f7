import { ServiceError } from "../../errors.ts";
import { boundedCache } from "../../work/bounded-cache.ts";
import { singleFlight } from "../../work/single-flight.ts";
import type { World } from "../../world.ts";
import type { ChangeFeed } from "../model/change-feed.ts";
import type { Credential } from "../model/credential.ts";
import type { CredentialRepository } from "../model/credential-repository.ts";
import type { Narrowing } from "../model/platform.ts";
import { failureOf, namedError, type RefreshFailure, type RefreshOutcome } from "../model/refresh-failure.ts";
import { defaultMinTtlMs, type Issuable, livesLongEnough } from "../model/token.ts";
import { type NoteEvent, noteNothing } from "../record/noted-events.ts";
import { createRefreshEvents } from "../refreshing/refresh-events.ts";
import type { Refresher } from "../refreshing/refresher.ts";
import type { Selected } from "./select-installation.ts";

export type NarrowedOutcome =
  | { readonly kind: "token"; readonly token: Issuable }
  | { readonly kind: "not_granted" }
  | Extract<RefreshOutcome, { kind: "failed" }>;

export interface NarrowedTokens {
  /** A token of exactly this shape: from memory if it lives long enough and was not rejected, else minted. */
  get(
    selected: Selected,
    narrowing: Narrowing,
    minTtlMs: number | undefined,
    rejectedTokenId: string | undefined,
    /** Runs what replaces a rejected token; `ask`: whatever asks the platform. */
    by?: { readonly replace: Turn; readonly ask: Turn },
  ): Promise<NarrowedOutcome>;
}

/** `subject`: the credential, and the shape that is replaced. */
export type Turn = (subject: string, mint: () => Promise<NarrowedOutcome>) => Promise<NarrowedOutcome>;

const atOnce: Turn = (_, mint) => mint();

/** Installation tokens per request shape. They live in this replica's memory only and are never stored. */
export function createNarrowedTokens(parts: {
  readonly credentials: CredentialRepository;
  readonly refresher: Refresher;
  readonly world: World;
  readonly maxEntries: number;
  /** Says when what was minted is old. */
  readonly changes?: ChangeFeed;
  /** Puts suspensions on record. */
  readonly note?: NoteEvent;
}): NarrowedTokens {
  const { credentials, refresher, world, note = noteNothing } = parts;
  const events = createRefreshEvents(note, world);
  const minted = boundedCache<Issuable>(parts.maxEntries);
  const flight = singleFlight<NarrowedOutcome>();
  /** Until when the platform asked us to leave a credential alone, whatever shape is asked for. */
  const limitedUntil = boundedCache<number>(parts.maxEntries);

  /** Of which grant each credential's tokens are: those of the one before are not found any more. */
  const grants = boundedCache<number>(parts.maxEntries);
  let serial = 0;
  let oldest = 0;
  parts.changes?.subscribe((change) => {
    if (change.kind === "granted") grants.set(change.id, ++serial);
    else if (change.kind === "everything" && change.missed === true) {
      oldest = ++serial;
      grants.clear();
    }
  });

  /** What is shown is not worth an answer. */
  async function noteShape({ id, lastError }: Credential, refusal: string | undefined): Promise<void> {
    if (lastError === refusal) return;
    await credentials.noteUnleased(id, refusal).catch((error: unknown) => {
      world.log.warn({ credential: id, error: error instanceof Error ? error.name : "" }, "installation.not_noted");
    });
  }

  async function mint(key: string, selected: Selected, narrowing: Narrowing): Promise<NarrowedOutcome> {
    const { credential, platform } = selected;
    const outcome = await platform.mint({ ...credential, accessToken: undefined, refreshToken: undefined }, narrowing);
    switch (outcome.kind) {
      case "minted": {
        const { token, permissions } = outcome.tokens;
        const fresh = { ...token, scopes: [], permissions: permissions ?? narrowing.permissions };
        minted.set(key, fresh);
        if (selected.installation.status === "suspended") {
          events.resumed(await credentials.setSuspended(credential.id, false));
        }
        // Whatever was refused to the installation as a whole is over.
        if (failureOf(credential.lastError).failure === "refused") await noteShape(credential, undefined);
        return { kind: "token", token: fresh };
      }
      case "not_granted":
        // One of its own: whoever counts outcomes knows them by that.
        return { kind: "not_granted" };
      case "suspended":
        events.suspended(await credentials.setSuspended(credential.id, true));
        return failed("suspended");
      case "rejected": {
        // The installation itself is in question: that is decided under its lease, in one place.
        const decided = await refresher.refresh(credential);
        return decided.kind === "failed" ? decided : failed("unavailable");
      }
      case "refused": {
        world.log.warn(
          { platform: platform.name, code: outcome.code, credential: credential.id },
          "installation.refused",
        );
        // So that the installation shows it: the shape's own limit, or what the installation meets as a whole.
        if (outcome.code === "answer_too_large") await noteShape(credential, namedError("refused", outcome.code));
        else await refresher.refresh(credential);
        return { ...failed("refused"), code: outcome.code };
      }
      case "misconfigured":
        world.log.error({ platform: platform.name, code: outcome.code }, "platform.misconfigured");
        return failed("misconfigured");
      case "rate_limited": {
        const waitMs = outcome.retryAfterMs ?? rateLimitMs;
        limitedUntil.set(credential.id, world.now().getTime() + waitMs);
        return failed("rate_limited", waitMs);
      }
      case "confirmed":
      case "unavailable":
        return failed("unavailable", outcome.kind === "unavailable" ? outcome.retryAfterMs : undefined);
    }
  }

  return {
    async get(selected, narrowing, minTtlMs, rejectedTokenId, by = { replace: atOnce, ask: atOnce }) {
      const { id } = selected.credential;
      const key = `${grants.get(id) ?? oldest} ${shapeKey(id, narrowing)}`;
      const known = minted.get(key);
      const rejected = known !== undefined && rejectedTokenId === known.value.fingerprint();
      const suspended = selected.installation.status === "suspended";
      const kept = rejected || suspended ? undefined : known;
      if (kept !== undefined && livesLongEnough(kept, world.now(), minTtlMs ?? defaultMinTtlMs)) {
        return { kind: "token", token: kept };
      }
      const waitMs = (limitedUntil.get(selected.credential.id) ?? 0) - world.now().getTime();
      const minting = () => flight(key, () => mint(key, selected, narrowing));
      const ask = () => by.ask(selected.credential.id, minting);
      const asking = () => (rejected ? by.replace(key, ask) : ask());
      const working = () =>
        kept !== undefined && livesLongEnough(kept, world.now(), minTtlMs ?? 1) ? kept : undefined;
      const outcome = waitMs > 0 ? failed("rate_limited", waitMs) : await asking().catch(passed);
      const isLimit = outcome instanceof ServiceError;
      const trouble = isLimit || (outcome.kind === "failed" && troubles.has(outcome.failure));
      const token = trouble ? working() : undefined;
      if (token !== undefined) return { kind: "token", token };
      if (isLimit) throw outcome;
      return outcome;
    },
  };
}

const rateLimitMs = 30_000;

/** Having asked too often takes no token away either. */
function passed(error: unknown): ServiceError {
  if (error instanceof ServiceError && error.reason === "CALLER_RATE_LIMITED") return error;
  throw error;
}

/** Whether the platform was asked for what this installation does not give; its own trouble is another matter. */
export function isFruitless(outcome: NarrowedOutcome): boolean {
  return outcome.kind === "not_granted" || (outcome.kind === "failed" && noes.has(outcome.failure));
}

const noes: ReadonlySet<RefreshFailure> = new Set(["suspended", "refused", "dead"]);

/** What does not take a token away that still works. */
const troubles: ReadonlySet<RefreshFailure> = new Set([
  ...(["unavailable", "rate_limited", "misconfigured", "refused", "doubted"] as const),
]);

/** The same for every order of the same repositories and permissions. */
function shapeKey(credentialId: string, narrowing: Narrowing): string {
  return JSON.stringify([
    credentialId,
    [...narrowing.repositoryIds].map(String).sort(),
    [...narrowing.repositories].sort(),
    Object.entries(narrowing.permissions).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

function failed(failure: RefreshFailure, retryAfterMs = 1_000): Extract<NarrowedOutcome, { kind: "failed" }> {
  return { kind: "failed", failure, retryAfterMs };
}
