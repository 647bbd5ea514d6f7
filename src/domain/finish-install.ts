import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.ts";
import type { World } from "../world.ts";
import type { Attempt, AttemptRefusal, AttemptRepository } from "./attempt.ts";
import type { FinishInstall, FinishOutcome, FinishRequest, InstallFailure } from "./install.ts";
import type { Installation } from "./installation.ts";
import type { Connection, ExchangeOutcome, Platform, Platforms } from "./platform.ts";
import type { InstallationRepository } from "./repositories.ts";
import { bindingName, type StartLeg, sha256 } from "./start-install.ts";

/** How long a finished exchange waits for the database: its code is spent and cannot be had again. */
const storeForMs = 8_000;

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
  misconfigured: "provider_misconfigured",
  rate_limited: "provider_rate_limited",
  unavailable: "provider_unavailable",
};

/** The use case behind `/oauth/callback/{platform}`: the state is spent before anything in the callback is believed. */
export function createFinishInstall(parts: {
  readonly attempts: AttemptRepository;
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  readonly startLeg: StartLeg;
  readonly redirectUri: (platform: Platform) => string;
  readonly world: World;
}): FinishInstall {
  const { attempts, installations, platforms, startLeg, redirectUri, world } = parts;

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
      return state ? await finishAttempt(platform, state, request) : await withoutState(platform, request);
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE") {
        return failed("service_unavailable", platform.name);
      }
      throw error;
    }
  }

  /** Nothing in it can be believed; at most it is a reason to send this browser through a flow of its own. */
  async function withoutState(platform: Platform, { query, mayStart }: FinishRequest): Promise<FinishOutcome> {
    const callback = platform.readCallback(query, undefined);
    if (callback.kind === "approval_pending" || callback.kind === "denied") return failed(callback.kind, platform.name);
    const hint = callback.kind === "code" || callback.kind === "authorize_first" ? callback.hint : undefined;
    if (!mayStart || hint === undefined) return failed("state_missing", platform.name);
    const next = await startLeg({ platform, owner: undefined, returnTo: undefined, hint });
    return { kind: "continue", next };
  }

  async function finishAttempt(platform: Platform, state: string, request: FinishRequest): Promise<FinishOutcome> {
    const name = bindingName(state);
    const binding = request.binding(name);
    const consumed = await attempts.consume(sha256(state), {
      platform: platform.name,
      browserHash: binding === undefined ? undefined : sha256(binding),
      now: world.now(),
    });
    if (consumed.kind === "refused") return failed(refusals[consumed.why], platform.name);
    const { attempt } = consumed;
    const callback = platform.readCallback(request.query, attempt.hint);
    switch (callback.kind) {
      case "authorize_first":
        return { kind: "continue", next: await startLeg({ ...attempt, platform, hint: callback.hint }) };
      case "denied":
      case "approval_pending":
      case "wrong_issuer":
        return failed(callback.kind, platform.name);
      case "malformed":
        return failed("malformed_callback", platform.name);
      case "misconfigured":
        world.log.error({ platform: platform.name, code: callback.code }, "platform.misconfigured");
        return failed("provider_misconfigured", platform.name);
      case "code": {
        const { codeVerifier } = attempt;
        const { code, hint } = callback;
        const outcome = await platform.exchange({ code, codeVerifier, redirectUri: redirectUri(platform), hint });
        if (outcome.kind !== "connected") return exchangeFailed(platform, outcome);
        return store(platform, attempt, outcome.connection, name);
      }
    }
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

  async function store(
    platform: Platform,
    attempt: Attempt,
    connection: Connection,
    name: string,
  ): Promise<FinishOutcome> {
    try {
      const stored = await connectPatiently(platform, attempt, connection);
      world.log.info(
        { platform: platform.name, installations: stored.map((installation) => installation.id) },
        "install.finished",
      );
      return { kind: "connected", installations: stored, returnTo: attempt.returnTo, bindingName: name };
    } catch (error) {
      await undo(platform, connection);
      if (error instanceof ServiceError && error.reason === "INSTALLATION_TAKEN") {
        return failed("installation_taken", platform.name);
      }
      throw error;
    }
  }

  async function connectPatiently(
    platform: Platform,
    attempt: Attempt,
    connection: Connection,
  ): Promise<readonly Installation[]> {
    const started = performance.now();
    for (;;) {
      const now = world.now();
      const context = { platform: platform.name, holder: platform.holder, owner: attempt.owner, now };
      try {
        return await installations.connect(connection, context);
      } catch (error) {
        const passing = error instanceof ServiceError && error.reason === "SERVICE_UNAVAILABLE";
        if (!passing || performance.now() - started > storeForMs) throw error;
        world.log.warn({ platform: platform.name }, "install.store_retried");
        await delay(200);
      }
    }
  }

  /**
   * What could not be kept must not stay alive at the platform. Never uninstalls an app, and spares an organization's
   * long-lived token: the platform gives the same one to whoever lives there already.
   */
  async function undo(platform: Platform, connection: Connection): Promise<void> {
    for (const { tokens, kind, ...identity } of connection.credentials) {
      const shared = kind === "long_lived" && platform.holder === "organization";
      if (kind === "app_installation" || shared || tokens === undefined) continue;
      const { token, refreshToken } = tokens;
      const outcome = await platform.revoke({ ...identity, kind, accessToken: token.value, refreshToken });
      if (outcome.kind === "failed") world.log.warn({ platform: platform.name, cause: outcome.cause }, "undo.failed");
    }
  }
}

function failed(failure: InstallFailure, platform: string): FinishOutcome {
  return { kind: "failed", failure, platform };
}

function personMustAct(code: string): InstallFailure {
  return code === "unverified_email" || code === "no_sites" ? code : "installation_missing";
}
