import { setTimeout as delay } from "node:timers/promises";
import { invalidField, ServiceError } from "../errors.ts";
import type { World } from "../world.ts";
import type { Call } from "./call.ts";
import type { Credential } from "./credential.ts";
import type { HandOut } from "./hand-out.ts";
import type { NarrowedTokens } from "./narrowed-tokens.ts";
import type { Refresher } from "./refresh.ts";
import type { RefreshFailure, RefreshOutcome } from "./refresh-outcome.ts";
import type { Selector } from "./repositories.ts";
import { type InstallUrl, reauthorizationRequired, type Selected } from "./select-installation.ts";
import { defaultMinTtlMs, type Issuable, isAlive, livesLongEnough } from "./token.ts";
import type { GetTokenRequest, IssuedToken } from "./use-cases.ts";

/** Left of the caller's deadline for the answer to travel. */
const answerMarginMs = 50;
const maxWaitMs = 10_000;

/**
 * The use case behind GetToken: select, serve what is stored if it lives long enough, else join the one refresh;
 * a token that is still valid outlives the platform's trouble. Nothing is handed out before it is on record.
 */
export function createGetToken(parts: {
  readonly select: (selector: Selector) => Promise<Selected>;
  readonly refresher: Refresher;
  readonly narrowed: NarrowedTokens;
  readonly handOut: HandOut;
  readonly installUrl: InstallUrl;
  readonly world: World;
}): (request: GetTokenRequest, call: Call) => Promise<IssuedToken> {
  const { select, refresher, narrowed, handOut, installUrl, world } = parts;

  return async (request, call) => {
    const issued = await issue(request, call);
    // Being put on record can take as long as the token had left.
    const alive = isAlive({ issuedAt: undefined, expiresAt: issued.expiresAt }, world.now());
    return alive ? issued : issue(request, call);
  };

  async function issue(request: GetTokenRequest, call: Call): Promise<IssuedToken> {
    const selected = await select(request.selector);
    const token =
      request.narrowing === undefined
        ? await current(selected, request, call)
        : await narrow(selected, request, request.narrowing, call);
    const issued = describe(selected, token);
    await handOut.record(issued, call);
    return issued;
  }

  async function current(selected: Selected, request: GetTokenRequest, call: Call): Promise<Issuable> {
    const { credential, installation } = selected;
    const stored = issuable(credential);
    const rejected = stored !== undefined && isRejected(stored, request);
    const suspended = installation.status === "suspended";
    if (stored !== undefined && !rejected && !suspended) {
      if (livesLongEnough(stored, world.now(), request.minTtlMs ?? defaultMinTtlMs)) {
        if (isDue(credential, world.now())) refreshBehind(credential);
        return stored;
      }
    }
    const outcome = await withinDeadline(() => refresher.refresh(credential), call);
    if (outcome.kind === "current") {
      const fresh = issuable(outcome.credential);
      if (fresh !== undefined && isAlive(fresh, world.now())) return fresh;
      throw refusal("unavailable", 1_000, selected);
    }
    // Trouble upstream does not take a working token away, unless the caller ruled that token out.
    const serveable = stored !== undefined && !rejected && !suspended && outcome.failure !== "gone";
    if (serveable && livesLongEnough(stored, world.now(), request.minTtlMs ?? 1)) return stored;
    throw refusal(outcome.failure, outcome.retryAfterMs, selected);
  }

  async function narrow(
    selected: Selected,
    request: GetTokenRequest,
    narrowing: NonNullable<GetTokenRequest["narrowing"]>,
    call: Call,
  ): Promise<Issuable> {
    if (!selected.platform.narrowing) {
      throw invalidField("github", `tokens of ${selected.product} cannot be narrowed`);
    }
    const outcome = await withinDeadline(
      () => narrowed.get(selected, narrowing, request.minTtlMs, request.rejectedTokenId),
      call,
    );
    switch (outcome.kind) {
      case "token":
        return outcome.token;
      case "not_granted":
        throw new ServiceError("SCOPE_NOT_GRANTED", "the installation was not granted what was asked for");
      case "failed":
        throw refusal(outcome.failure, outcome.retryAfterMs, selected);
    }
  }

  function refreshBehind(credential: Credential): void {
    refresher.refresh(credential).catch((error: unknown) => {
      const reason = error instanceof ServiceError ? error.reason : "internal";
      world.log.warn({ credential: credential.id, reason }, "refresh.background_failed");
    });
  }

  function refusal(failure: RefreshFailure, retryAfterMs: number, selected: Selected): ServiceError {
    const { installation, product } = selected;
    const platform = product;
    const retry = { retryAfterMs: Math.max(retryAfterMs, 100), metadata: { platform } };
    switch (failure) {
      case "dead":
        return reauthorizationRequired(platform, installUrl(platform, installation.owner));
      case "gone":
        return new ServiceError("INSTALLATION_REVOKED", `installation ${installation.id} was revoked`);
      case "suspended":
        return new ServiceError(
          "INSTALLATION_SUSPENDED",
          `installation ${installation.id} is suspended at ${platform}`,
        );
      case "misconfigured":
        return new ServiceError("PROVIDER_MISCONFIGURED", `${platform} refused this service's own credentials`, {
          metadata: { platform },
        });
      case "rate_limited":
        return new ServiceError("PROVIDER_RATE_LIMITED", `${platform} limits this service's calls`, retry);
      case "unavailable":
        return new ServiceError("PROVIDER_UNAVAILABLE", `${platform} gives no usable answer`, retry);
    }
  }
}

/** Waits for work that goes on without us when the caller's time is up. */
async function withinDeadline<T>(
  work: () => Promise<T>,
  call: Call,
): Promise<T | Extract<RefreshOutcome, { kind: "failed" }>> {
  const waitMs = Math.max(Math.min(call.remainingMs() - answerMarginMs, maxWaitMs), 0);
  const timer = new AbortController();
  const late = delay(waitMs, undefined, { signal: timer.signal }).then(
    () => ({ kind: "failed", failure: "unavailable", retryAfterMs: 1_000 }) as const,
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([work(), late]);
  } finally {
    timer.abort();
  }
}

function issuable(credential: Credential): Issuable | undefined {
  const value = credential.accessToken();
  if (value === undefined) return undefined;
  const { issuedAt, expiresAt, scopes, permissions } = credential;
  return { value, issuedAt, expiresAt, scopes, permissions };
}

function isRejected(token: Issuable, request: GetTokenRequest): boolean {
  return request.rejectedTokenId !== undefined && request.rejectedTokenId === token.value.fingerprint();
}

function isDue(credential: Credential, now: Date): boolean {
  return credential.refreshAfter !== undefined && credential.refreshAfter <= now && credential.status === "active";
}

function describe({ installation, platform, product }: Selected, token: Issuable): IssuedToken {
  return {
    token: token.value,
    tokenType: "Bearer",
    expiresAt: token.expiresAt,
    scopes: token.scopes,
    permissions: token.permissions,
    installationId: installation.id,
    externalOrgId: installation.externalOrgId,
    tokenId: token.value.fingerprint(),
    apiBaseUrl: platform.apiBaseUrl(installation, product),
  };
}
