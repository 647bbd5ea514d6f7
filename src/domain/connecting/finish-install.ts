import { ServiceError } from "../../errors.ts";
import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { browserCaller, type Doer, type Happening, rowsOf } from "../model/audit-event.ts";
import type { InstallFailure } from "../model/install-failure.ts";
import type { Callback, ExchangeOutcome, Platform } from "../model/platform.ts";
import type { Platforms } from "../model/platforms.ts";
import type { PutOnRecord } from "../record/put-on-record.ts";
import type { Attempt, AttemptRefusal, AttemptRepository } from "./attempt.ts";
import { attemptMeant } from "./attempt-meant.ts";
import type { FinishInstall, FinishOutcome, FinishRequest } from "./browser-flow.ts";
import type { LinkFacts } from "./install-link.ts";
import type { KeepConnection, Kept } from "./keep-connection.ts";
import type { LinkPolicy } from "./link-policy.ts";
import type { RefusedCallbacks } from "./refused-callbacks.ts";
import { unbegunParameter, withClaim, withCompletionCode } from "./return-to.ts";
import { bindingName, type StartLeg, sha256 } from "./start-install.ts";
import type { TellFlow } from "./tell-flow.ts";

const refusals: Record<AttemptRefusal, InstallFailure> = {
  unknown: "state_unknown",
  already_used: "state_already_used",
  expired: "state_expired",
  other_platform: "state_other_platform",
  other_browser: "state_other_browser",
};

const exchangeFailures: Record<Exclude<ExchangeOutcome["kind"], "connected" | "person_must_act">, InstallFailure> = {
  code_rejected: "code_rejected",
  not_yours: "installation_not_yours",
  not_administered: "installation_not_administered",
  misconfigured: "provider_misconfigured",
  rate_limited: "provider_rate_limited",
  unavailable: "provider_unavailable",
};

/** The use case behind `/oauth/callback/{platform}`: the state is spent before anything in the callback is believed. */
export function createFinishInstall(parts: {
  readonly attempts: AttemptRepository;
  readonly keepConnection: KeepConnection;
  readonly linkPolicy: LinkPolicy;
  readonly platforms: Platforms;
  readonly startLeg: StartLeg;
  readonly tellFlow: TellFlow;
  readonly redirectUri: (platform: Platform) => string;
  readonly putOnRecord: PutOnRecord;
  readonly refusedCallbacks: RefusedCallbacks;
  /** The product's page where what began at a platform is claimed; undefined: nobody can. */
  readonly claimPage?: string | undefined;
  readonly world: World;
}): FinishInstall {
  const { claimPage } = parts;
  const {
    attempts,
    keepConnection,
    linkPolicy,
    platforms,
    startLeg,
    tellFlow,
    redirectUri,
    putOnRecord,
    refusedCallbacks,
    world,
  } = parts;

  return async (request) => {
    const outcome = await finish(request);
    if (outcome.kind === "failed") {
      const { failure } = outcome;
      // A name nobody knows is whatever somebody put into the path.
      const platform = failure === "platform_unknown" ? undefined : outcome.platform;
      world.log.warn({ platform, failure }, "install.failed");
    }
    return outcome;
  };

  async function finish(request: FinishRequest): Promise<FinishOutcome> {
    const platform = platforms.byProduct(request.platform);
    if (platform === undefined) {
      const known = platforms.known.includes(request.platform);
      return failed(known ? "platform_not_configured" : "platform_unknown", request.platform);
    }
    try {
      const state = request.query.get("state");
      return state ? await finishAttempt(platform, sha256(state), request) : await withoutState(platform, request);
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE") {
        return failed("service_unavailable", platform.name);
      }
      throw error;
    }
  }

  /** Nothing in it can be believed; at most it is a reason to send this browser through a flow of its own. */
  async function withoutState(platform: Platform, request: FinishRequest): Promise<FinishOutcome> {
    const { query, bindings, mayStart } = request;
    const callback = platform.readCallback(query, undefined);
    const findMeant = async () => {
      const browserHashes = bindings().map(sha256);
      return attemptMeant(await attempts.open({ platform: platform.name, browserHashes, now: world.now() }));
    };
    // Any page can send this browser here with a refusal: it ends nothing that has begun.
    if (callback.kind === "denied") return failed("denied", platform.name);
    if (callback.kind === "approval_pending") {
      const outcome = failed(callback.kind, platform.name);
      const meant = await findMeant();
      return meant.kind === "one" ? tellEnd(meant.attempt, outcome) : outcome;
    }
    if (callback.kind === "settings_saved") {
      const meant = await findMeant();
      if (meant.kind === "one") return finishAttempt(platform, meant.attempt.stateHash, request);
      // Begun for nobody, it would end as something else than this person is about to make.
      if (meant.kind === "several") return failed("state_missing", platform.name);
    }
    const hint = "hint" in callback ? callback.hint : undefined;
    if (hint === undefined) return failed("state_missing", platform.name);
    const claim =
      claimPage === undefined ? undefined : { owner: undefined, returnTo: claimPage, link: unbegun(platform) };
    if (callback.kind === "code" && platform.codeProvesInstall === true) {
      // It proves the install and nothing of this browser, which somebody else may have sent here with it.
      if (claim === undefined) return failed("begun_at_platform", platform.name);
      return finishUnbegun(platform, { ...claim, platform: platform.name, hint }, callback, request);
    }
    const errand = mayStart ? { owner: undefined, returnTo: undefined } : claim;
    if (errand === undefined) return failed("state_missing", platform.name);
    return { kind: "continue", next: await startLeg({ ...errand, platform, hint }) };
  }

  /** Nobody waits for it here: whoever sends us such callbacks can fill the record no more than with refused states. */
  async function finishUnbegun(
    platform: Platform,
    errand: Pick<Attempt, "platform" | "owner" | "returnTo" | "link" | "hint">,
    callback: Extract<Callback, { kind: "code" }>,
    request: FinishRequest,
  ): Promise<FinishOutcome> {
    const now = world.now();
    const attempt = { ...errand, id: "", codeVerifier: undefined, expiresAt: now, ageMs: 0 };
    const outcome = await useCode(platform, attempt, { name: unbegunParameter, begunAt: now }, callback, request);
    if (outcome.kind === "failed") {
      await recordRefusal(platform, { of: errand, stateHash: unbegunParameter }, request, outcome.failure);
    }
    return outcome;
  }

  async function finishAttempt(platform: Platform, stateHash: string, request: FinishRequest): Promise<FinishOutcome> {
    const name = bindingName(stateHash);
    const binding = request.binding(name);
    const consumed = await attempts.consume(stateHash, {
      platform: platform.name,
      browserHash: binding === undefined ? undefined : sha256(binding),
      now: world.now(),
    });
    if (consumed.kind === "refused") {
      const outcome = failed(refusals[consumed.why], platform.name);
      const { of } = consumed;
      if (of !== undefined) await recordRefusal(platform, { of, stateHash }, request, refusals[consumed.why]);
      return outcome;
    }
    const { attempt } = consumed;
    await tellFlow(attempt.flow, { state: "finishing" });
    const begunAt = new Date(world.now().getTime() - attempt.ageMs);
    let outcome: FinishOutcome | undefined;
    try {
      outcome = await useAttempt(platform, attempt, { name, begunAt }, request);
      const linkCodeId = attempt.link?.linkCodeId;
      if (outcome.kind === "failed" && linkCodeId !== undefined) outcome = { ...outcome, linkCodeId };
      return await tellEnd(attempt, outcome);
    } finally {
      if (outcome === undefined) await tellFlow(attempt.flow, { state: "failed", reason: "internal_error" });
      await recordFailure(platform, attempt, request, outcome ?? failed("internal_error", platform.name));
    }
  }

  /** The same, told to the page that watches. */
  async function tellEnd(
    { flow, returnTo, link }: Pick<Attempt, "flow" | "returnTo" | "link">,
    outcome: FinishOutcome,
  ): Promise<FinishOutcome> {
    if (flow === undefined) return outcome;
    if (outcome.kind === "failed") await tellFlow(flow, { state: "failed", reason: outcome.failure });
    // One more leg has been told when it began.
    else if (outcome.kind !== "continue") {
      await tellFlow(flow, { state: "connected", completion: outcome.kind === "pending" });
    }
    return { ...outcome, watched: { returnTo, fromLink: link !== undefined } };
  }

  async function useAttempt(
    platform: Platform,
    attempt: Attempt,
    leg: Leg,
    request: FinishRequest,
  ): Promise<FinishOutcome> {
    const { link: facts, owner, returnTo } = attempt;
    const withdrawn = facts && linkPolicy({ facts, owner, returnTo });
    if (withdrawn !== undefined) return failed(withdrawn, platform.name);
    const callback = platform.readCallback(request.query, attempt.hint);
    switch (callback.kind) {
      case "authorize_first":
      case "settings_saved":
        return { kind: "continue", next: await startLeg({ ...attempt, platform, hint: callback.hint }) };
      case "denied":
      case "approval_pending":
      case "wrong_issuer":
        return failed(callback.kind, platform.name);
      case "malformed":
        return failed("malformed_callback", platform.name);
      case "misconfigured":
        // Whoever has an attempt of their own can claim this: what our own calls find is an error, this is not.
        world.log.warn({ platform: platform.name, code: callback.code }, "callback.misconfigured");
        return failed("provider_misconfigured", platform.name);
      case "code":
        return useCode(platform, attempt, leg, callback, request);
    }
  }

  async function useCode(
    platform: Platform,
    attempt: Attempt,
    { name, begunAt }: Leg,
    { code, hint }: Extract<Callback, { kind: "code" }>,
    request: FinishRequest,
  ): Promise<FinishOutcome> {
    const { codeVerifier } = attempt;
    const outcome = await platform.exchange({
      code,
      codeVerifier,
      redirectUri: redirectUri(platform),
      hint,
      begunAt,
    });
    if (outcome.kind !== "connected") return exchangeFailed(platform, outcome);
    const kept = await keepConnection(platform, attempt, outcome.connection, (detail, installations) => {
      const row = { kind: "install.finished" as const, owner: attempt.owner, platform: platform.name, detail };
      const happenings = installations.map(({ id }) => ({ ...row, installationId: id }));
      return rowsOf(doerOf(attempt, request), world.now(), happenings);
    });
    return finished(platform, attempt, name, kept);
  }

  function exchangeFailed(platform: Platform, outcome: Exclude<ExchangeOutcome, { kind: "connected" }>): FinishOutcome {
    if (outcome.kind === "person_must_act") return failed(personMustAct(outcome.code), platform.name);
    if (outcome.kind === "misconfigured") {
      world.log.error({ platform: platform.name, code: outcome.code }, "platform.misconfigured");
    }
    if (outcome.kind === "unavailable") {
      world.log.warn({ platform: platform.name, cause: outcome.cause }, "platform.unavailable");
    }
    return failed(exchangeFailures[outcome.kind], platform.name);
  }

  function finished(platform: Platform, { returnTo, link }: Attempt, bindingName: string, kept: Kept): FinishOutcome {
    if (kept.kind === "failed") return failed(kept.failure, platform.name);
    const { installations } = kept;
    const ids = installations.map(({ id }) => id);
    world.log.info({ platform: platform.name, installations: ids }, `install.${logged[kept.kind]}`);
    if (kept.kind === "connected") {
      const linkCodeId = link?.linkCodeId;
      return { kind: "connected", installations, returnTo, fromLink: link !== undefined, bindingName, linkCodeId };
    }
    if (returnTo === undefined) throw new Error("a link of an owner has nowhere to bring the completion code");
    const code = kept.completionCode.reveal();
    const continueAt = new Secret(
      link?.unbegun === true ? withClaim(returnTo, code, platform.name) : withCompletionCode(returnTo, code),
    );
    return { kind: "pending", installations, continueAt, completionCode: kept.completionCode, bindingName };
  }

  /** What worked was put on record when it was stored. */
  async function recordFailure(
    platform: Platform,
    attempt: Pick<Attempt, "owner" | "link">,
    request: FinishRequest,
    outcome: FinishOutcome,
  ): Promise<void> {
    if (outcome.kind !== "failed") return;
    await putOnRecord(doerOf(attempt, request), [failureOf(platform, attempt, outcome.failure)]);
  }

  /** Whoever has seen a callback can call it for ever: only the first few refusals of a state have rows of their own. */
  async function recordRefusal(
    platform: Platform,
    { of, stateHash }: { readonly of: Pick<Attempt, "owner" | "link">; readonly stateHash: string },
    request: FinishRequest,
    failure: InstallFailure,
  ): Promise<void> {
    const [doer, happening] = [doerOf(of, request), failureOf(platform, of, failure)];
    const [row] = rowsOf(doer, world.now(), [happening]);
    if (row !== undefined && refusedCallbacks.hasOwnRow(stateHash, row)) await putOnRecord(doer, [happening]);
  }
}

/** Of the attempt that a callback finishes. */
interface Leg {
  /** The cookie's. */
  readonly name: string;
  readonly begunAt: Date;
}

/** Stands in for the link that nobody made. */
function unbegun({ name: product }: Platform): LinkFacts {
  const nothing = { policyHash: undefined, installationId: undefined, scopes: [] };
  return { ...nothing, caller: browserCaller, product, awaitsOwner: true, unbegun: true };
}

function failureOf(
  { name }: Platform,
  { owner, link }: Pick<Attempt, "owner" | "link">,
  detail: InstallFailure,
): Happening {
  const platform = link?.product ?? name;
  return { kind: "install.failed", owner, platform, installationId: link?.installationId, detail };
}

function doerOf({ link }: Pick<Attempt, "link">, { address, requestId }: FinishRequest): Doer {
  const { caller = browserCaller, policyHash } = link ?? {};
  return { caller, policyHash, method: "callback", address, requestId };
}

const logged = { connected: "finished", pending: "pending" } as const;

function failed(failure: InstallFailure, platform: string): Extract<FinishOutcome, { kind: "failed" }> {
  return { kind: "failed", failure, platform };
}

function personMustAct(code: string): InstallFailure {
  return code === "unverified_email" || code === "no_sites" ? code : "installation_missing";
}
