import { invalidField, ServiceError } from "../../errors.ts";
import { orAfter } from "../../work/or-after.ts";
import type { World } from "../../world.ts";
import type { Visibility } from "../access/access.ts";
import { isWithin } from "../access/permission-ceiling.ts";
import type { Call } from "../model/call.ts";
import type { Credential } from "../model/credential.ts";
import type { Selector } from "../model/installation-repository.ts";
import type { Narrowing } from "../model/platform.ts";
import type { RefreshOutcome } from "../model/refresh-failure.ts";
import { isOfOtherHost } from "../model/registration.ts";
import type { Telemetry } from "../model/telemetry.ts";
import { defaultMinTtlMs, type Issuable, isAlive, livesLongEnough } from "../model/token.ts";
import type { Refresher } from "../refreshing/refresher.ts";
import type { GrantedPermissions } from "./granted-permissions.ts";
import type { HandOut } from "./hand-out.ts";
import { createDescribe, createIssuableOf, type IssuedToken } from "./issued-token.ts";
import { isFruitless, type NarrowedTokens, type Turn } from "./narrowed-tokens.ts";
import { createRejections, fruitlessMints } from "./rejections.ts";
import { type InstallUrl, notFound, type Selected } from "./select-installation.ts";
import type { SelectionCache } from "./selection-cache.ts";
import { createTokenRefusal, misconfigured } from "./token-refusal.ts";

export interface GetTokenRequest {
  readonly selector: Selector;
  /** Undefined: 60 s. */
  readonly minTtlMs: number | undefined;
  /** The fingerprint of a token that the platform refused. */
  readonly rejectedTokenId: string | undefined;
  readonly narrowing: Narrowing | undefined;
}

/** A token that works, or the reason there is none. At once where nothing has to be waited for. */
export type GetToken = (request: GetTokenRequest, call: Call) => IssuedToken | Promise<IssuedToken>;

/** Left of the caller's deadline for the answer to travel. */
const answerMarginMs = 50;
const maxWaitMs = 10_000;

/**
 * The use case behind GetToken: select, serve what is stored if it lives long enough, else join the one refresh;
 * a token that is still valid outlives the platform's trouble. Nothing is handed out before it is on record.
 */
export function createGetToken(parts: {
  readonly selections: SelectionCache;
  readonly refresher: Refresher;
  readonly narrowed: NarrowedTokens;
  readonly granted: GrantedPermissions;
  readonly handOut: HandOut;
  readonly installUrl: InstallUrl;
  readonly world: World;
  readonly telemetry: Telemetry;
}): GetToken {
  const { selections, refresher, narrowed, granted, handOut, installUrl, world, telemetry } = parts;
  const rejections = createRejections(world);
  const fruitless = createRejections(world, fruitlessMints);
  const issuableOf = createIssuableOf();
  const refusal = createTokenRefusal(installUrl);
  const describe = createDescribe();

  return (request, call) => {
    const { selector } = request;
    call.access.check(selector.platform, selector.owner, request.narrowing?.permissions);
    const { clock } = world;
    // Whether a token has ended is not said by a clock that may have stood still.
    if (clock?.isSteady() === false) return clock.measure().then(() => answer(request, call));
    return answer(request, call);
  };

  function answer(request: GetTokenRequest, call: Call): IssuedToken | Promise<IssuedToken> {
    const { selector } = request;
    const visible = call.access.visible(selector.platform);
    const recalled = selections.recall(selector, visible);
    if (recalled !== undefined) {
      const issued = atOnce(recalled, request, call);
      if (issued !== undefined) return issued;
    }
    return inTime(recalled, visible, request, call);
  }

  /** The warm path: everything that is needed is in memory, and nothing has to be waited for. */
  function atOnce(selected: Selected, request: GetTokenRequest, call: Call): IssuedToken | undefined {
    const { credential, installation, platform } = selected;
    if (request.narrowing !== undefined || installation.status !== "active") return undefined;
    checkSeen(selected, request, call);
    checkHost(selected);
    if (platform.narrowing && call.access.ceiling(selected.product, installation.owner) !== undefined) return undefined;
    const stored = issuableOf(credential);
    const now = world.now();
    if (stored === undefined || isRejected(stored, request)) return undefined;
    if (!livesLongEnough(stored, now, request.minTtlMs ?? defaultMinTtlMs)) return undefined;
    const issued = describe(selected, stored);
    if (!handOut.repeat(issued, call)) return undefined;
    if (isDue(credential, now)) refreshBehind(credential);
    return issued;
  }

  async function inTime(
    recalled: Selected | undefined,
    visible: Visibility,
    request: GetTokenRequest,
    call: Call,
  ): Promise<IssuedToken> {
    const isOver = ({ expiresAt }: IssuedToken) => !isAlive({ issuedAt: undefined, expiresAt }, world.now());
    const issued = await issue(recalled, visible, request, call);
    if (!isOver(issued)) return issued;
    // Being put on record can take as long as the token had left.
    const again = await issue(undefined, visible, request, call);
    if (!isOver(again)) return again;
    throw new ServiceError("SERVICE_UNAVAILABLE", "tokens end before they can be put on record", {
      retryAfterMs: 1_000,
    });
  }

  async function issue(
    recalled: Selected | undefined,
    visible: Visibility,
    request: GetTokenRequest,
    call: Call,
  ): Promise<IssuedToken> {
    const look = () => telemetry.step("select", {}, () => selections.select(request.selector, visible));
    const selected = recalled ?? (await look());
    checkSeen(selected, request, call);
    checkHost(selected);
    const narrowing = await narrowingFor(selected, request, call);
    const token =
      narrowing === undefined
        ? await current(selected, request, call)
        : await narrow(selected, request, narrowing, call);
    const issued = describe(selected, token);
    await handOut.record(issued, call);
    return issued;
  }

  /** What is minted for this caller: what it asks for, and never more than its ceiling. Undefined: what is stored. */
  async function narrowingFor(
    selected: Selected,
    { narrowing }: GetTokenRequest,
    call: Call,
  ): Promise<Narrowing | undefined> {
    const { installation, platform, product } = selected;
    const ceiling = platform.narrowing ? call.access.ceiling(product, installation.owner) : undefined;
    if (ceiling === undefined) return narrowing;
    const asked = narrowing?.permissions ?? {};
    if (Object.keys(asked).length > 0) {
      if (!isWithin(asked, ceiling))
        throw new ServiceError("CALLER_NOT_ALLOWED", "more permissions than the caller may have");
      return narrowing;
    }
    const permissions = await granted.within(selected, ceiling);
    // To the platform no permission at all would mean every one that was granted.
    if (Object.keys(permissions).length === 0) {
      throw new ServiceError("SCOPE_NOT_GRANTED", "the installation was granted none of what the caller may have");
    }
    return { repositoryIds: [], repositories: [], ...narrowing, permissions };
  }

  async function current(selected: Selected, request: GetTokenRequest, call: Call): Promise<Issuable> {
    const { credential, installation } = selected;
    const stored = issuableOf(credential);
    const rejected = stored !== undefined && isRejected(stored, request);
    const suspended = installation.status === "suspended";
    if (stored !== undefined && !rejected && !suspended) {
      if (livesLongEnough(stored, world.now(), request.minTtlMs ?? defaultMinTtlMs)) {
        if (isDue(credential, world.now())) refreshBehind(credential);
        return stored;
      }
    }
    const refresh = () => refresher.refresh(credential);
    const who = { caller: call.caller, subject: credential.id };
    const replace = () =>
      rejections.replace(
        who,
        refresh,
        (outcome) => replacementOf(outcome, credential),
        () => refresher.newer(credential),
      );
    const outcome = await withinDeadline(rejected ? replace : refresh, call);
    if (outcome.kind === "current") {
      const fresh = issuableOf(outcome.credential);
      if (fresh !== undefined && isAlive(fresh, world.now())) return fresh;
      throw refusal({ failure: "unavailable", retryAfterMs: 1_000 }, selected);
    }
    // Trouble upstream does not take a working token away, unless the caller ruled that token out.
    const serveable = stored !== undefined && !rejected && !suspended && outcome.failure !== "gone";
    if (serveable && livesLongEnough(stored, world.now(), request.minTtlMs ?? 1)) return stored;
    throw refusal(outcome, selected);
  }

  async function narrow(
    selected: Selected,
    request: GetTokenRequest,
    narrowing: Narrowing,
    call: Call,
  ): Promise<Issuable> {
    if (!selected.platform.narrowing) {
      throw invalidField("github", `tokens of ${selected.product} cannot be narrowed`);
    }
    const { caller } = call;
    const replace: Turn = (subject, mint) =>
      rejections.replace({ caller, subject }, mint, (outcome) => (outcome.kind === "token" ? outcome : undefined));
    const ask: Turn = (subject, mint) =>
      fruitless.replace({ caller, subject }, mint, (outcome) => (isFruitless(outcome) ? outcome : undefined));
    const outcome = await withinDeadline(
      () => narrowed.get(selected, narrowing, request.minTtlMs, request.rejectedTokenId, { replace, ask }),
      call,
    );
    switch (outcome.kind) {
      case "token":
        return outcome.token;
      case "not_granted": {
        const changed = await granted.lookAgain(selected);
        const other = changed ? await narrowingFor(selected, request, call) : undefined;
        if (other !== undefined && !isSameNarrowing(other, narrowing)) return narrow(selected, request, other, call);
        throw new ServiceError("SCOPE_NOT_GRANTED", "the installation was not granted what was asked for");
      }
      case "failed":
        throw refusal(outcome, selected);
    }
  }

  function refreshBehind(credential: Credential): void {
    refresher.refresh(credential).catch((error: unknown) => {
      const reason = error instanceof ServiceError ? error.reason : "internal";
      world.log.warn({ credential: credential.id, reason }, "refresh.background_failed");
    });
  }
}

function waitMs(call: Call): number {
  return Math.max(Math.min(call.remainingMs() - answerMarginMs, maxWaitMs), 0);
}

/** Waits for work that goes on without us when the caller's time is up. */
function withinDeadline<T>(
  work: () => Promise<T>,
  call: Call,
): Promise<T | Extract<RefreshOutcome, { kind: "failed" }>> {
  return orAfter(
    waitMs(call),
    work(),
    () => ({ kind: "failed", failure: "unavailable", retryAfterMs: 1_000 }) as const,
  );
}

/**
 * A second wall: whatever was found, or is remembered, for somebody else is not there for this caller.
 * @throws ServiceError INSTALLATION_NOT_FOUND.
 */
function checkSeen({ installation, product }: Selected, { selector }: GetTokenRequest, { access }: Call): void {
  if (!access.sees(product, installation.owner)) throw notFound(selector, () => undefined);
}

/**
 * A token of another host than the configured one is handed to nobody: it would be used at the configured one.
 * @throws ServiceError PROVIDER_MISCONFIGURED.
 */
function checkHost({ credential, platform, product }: Selected): void {
  if (!isOfOtherHost(credential.registration, platform)) return;
  throw misconfigured(product, `${product} was connected at another host than the configured one`);
}

/** What a replacement is counted by: whoever was late for it gets the same version, and asked nobody for it. */
function replacementOf(outcome: RefreshOutcome, seen: Credential): unknown {
  if (outcome.kind !== "current") return undefined;
  return outcome.credential.version === seen.version ? outcome : outcome.credential.version;
}

function isSameNarrowing(a: Narrowing, b: Narrowing): boolean {
  return JSON.stringify(Object.entries(a.permissions).sort()) === JSON.stringify(Object.entries(b.permissions).sort());
}

function isRejected(token: Issuable, request: GetTokenRequest): boolean {
  return request.rejectedTokenId !== undefined && request.rejectedTokenId === token.value.fingerprint();
}

function isDue(credential: Credential, now: Date): boolean {
  return (
    credential.refreshAfter !== undefined &&
    credential.refreshAfter.getTime() <= now.getTime() &&
    credential.status === "active"
  );
}
