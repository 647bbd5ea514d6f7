import { ServiceError } from "../../errors.ts";
import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { sightOfEverything } from "../access/access.ts";
import type { Credential } from "../model/credential.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import type { Platform } from "../model/platform.ts";
import { isForeign } from "../model/registration.ts";
import { defaultMinTtlMs, livesLongEnough } from "../model/token.ts";
import type { RegistrationFailed, TokenRejected } from "../model/webhook-registrar.ts";
import { otherRegistration } from "../refreshing/own-grants.ts";
import type { Refresher } from "../refreshing/refresher.ts";

/**
 * Does work with a token of the installation's natural credential, as callers get it: the stored one, or else what the one
 * refresh of all replicas gives. Where the platform does not take it, once more with a new one.
 */
export type WithSiteToken = <T extends { readonly kind: string }>(
  platform: Platform,
  installationId: string,
  work: (token: Secret) => Promise<T | TokenRejected>,
) => Promise<T | RegistrationFailed>;

export function createWithSiteToken(parts: {
  readonly installations: Pick<InstallationRepository, "select">;
  readonly refresher: Refresher;
  readonly world: Pick<World, "now">;
}): WithSiteToken {
  const { installations, refresher, world } = parts;

  /** What is stored where that lives for a while. An ended grant is not refreshed, but its last token may live. */
  async function current(credential: Credential): Promise<Credential | RegistrationFailed> {
    const isStored = credential.accessToken() !== undefined;
    if (isStored && livesLongEnough(credential, world.now(), defaultMinTtlMs)) return credential;
    return credential.status === "active" ? refresh(credential) : failed("token_expired");
  }

  async function refresh(credential: Credential): Promise<Credential | RegistrationFailed> {
    const outcome = await refresher.refresh(credential);
    if (outcome.kind === "current") return outcome.credential;
    return { ...failed(outcome.failure), passing: true, retryAfterMs: outcome.retryAfterMs };
  }

  async function find(platform: Platform, installationId: string): Promise<Credential | RegistrationFailed> {
    const [found] = await installations.select({ installationId }, sightOfEverything, 1);
    const stored = found?.credential;
    if (stored === undefined) return failed("no_credential");
    return isForeign(stored.registration, platform) ? failed(otherRegistration) : current(stored);
  }

  return async (platform, installationId, work) => {
    try {
      let credential = await find(platform, installationId);
      for (const isLast of [false, true]) {
        if (credential.kind === "failed") return credential;
        const token = credential.accessToken();
        if (token === undefined) break;
        const outcome = await work(token);
        if (!isRejected(outcome)) return outcome;
        if (isLast || credential.status !== "active") break;
        credential = await refresh(credential);
      }
      return failed("token_rejected");
    } catch (error) {
      if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return failed("token_unreadable");
      throw error;
    }
  };
}

function isRejected(outcome: { readonly kind: string }): outcome is TokenRejected {
  return outcome.kind === "token_rejected";
}

function failed(code: string): RegistrationFailed {
  return { kind: "failed", code, passing: false };
}
