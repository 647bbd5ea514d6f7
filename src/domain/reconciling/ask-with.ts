import { ServiceError } from "../../errors.ts";
import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import type { Credential } from "../model/credential.ts";
import type { Inspection, Platform } from "../model/platform.ts";
import { isForeign } from "../model/registration.ts";
import { isAlive } from "../model/token.ts";
import type { Refresher } from "../refreshing/refresher.ts";
import type { Answer } from "./judge-answers.ts";
import type { Asked, AskedCredential } from "./question.ts";

/** Asks a platform about an installation with one of its credentials; undefined: that cannot be asked with. */
export type AskWith = (platform: Platform, asked: Asked, one: AskedCredential) => Promise<Answer | undefined>;

/**
 * Asks without spending anything where that is enough. What only a refresh can tell is decided under its lease, where a
 * platform that calls everybody dead is not believed: what the platform did not tell of itself always is.
 */
export function createAskWith(parts: { readonly refresher: Refresher; readonly world: World }): AskWith {
  const { refresher, world } = parts;

  return async (platform, asked, { credential, withheld }) => {
    const { about } = asked.question;
    if (isForeign(credential.registration, platform)) return undefined;
    const { inspect } = platform;
    if (inspect === undefined) return about === "routine" ? undefined : (await byRefresh(credential)).answer;

    let token: Secret | undefined;
    if (credential.kind !== "app_installation") {
      if (credential.kind === "rotating" && credential.status === "dead") {
        return { kind: "dead", code: credential.lastError ?? "dead" };
      }
      token = readable(credential);
      if (token === undefined || !isAlive(credential, world.now())) {
        if (credential.kind !== "rotating") return undefined;
        // Nobody risks a grant, whose spent token never works again, only to ask.
        if (about === "routine" && platform.reuseLeewayMs === 0) return undefined;
        const refreshed = await byRefresh(credential);
        token = refreshed.token;
        if (refreshed.answer.kind !== "alive" || token === undefined) return refreshed.answer;
      }
    }
    const inspected = await inspect(asked.installation, {
      ...credential,
      accessToken: token,
      refreshToken: undefined,
    });
    return answerOf(inspected);

    async function answerOf(found: Inspection): Promise<Answer> {
      switch (found.kind) {
        case "present":
          // It came back: what minted for it was called dead before.
          if (credential.kind === "app_installation" && credential.status === "dead") await byRefresh(credential);
          return { kind: "alive", facts: found.facts };
        case "suspended":
          return { kind: "suspended", facts: found.facts };
        case "gone":
          if (about === "ended" || credential.kind !== "app_installation") return { kind: "gone", code: found.code };
          return (await byRefresh(credential)).answer;
        case "grant_dead":
          if (credential.kind !== "rotating" && (about === "ended" || withheld)) {
            return { kind: "dead", code: found.code };
          }
          return (await byRefresh(credential)).answer;
        case "misconfigured":
          world.log.error({ platform: platform.name, code: found.code }, "platform.misconfigured");
          return { kind: "unknown", retryAfterMs: undefined };
        case "refused":
          return { kind: "unknown", retryAfterMs: undefined };
        case "rate_limited":
        case "unavailable":
          return { kind: "unknown", retryAfterMs: found.retryAfterMs };
      }
    }
  };

  async function byRefresh(credential: Credential): Promise<{ readonly answer: Answer; readonly token?: Secret }> {
    const outcome = await refresher.refresh(credential);
    if (outcome.kind === "current") {
      const token = readable(outcome.credential);
      return { answer: { kind: "alive", facts: undefined }, ...(token && { token }) };
    }
    switch (outcome.failure) {
      case "dead":
        return { answer: { kind: "dead", code: credential.lastError ?? "dead" } };
      case "suspended":
        return { answer: { kind: "suspended", facts: undefined } };
      default:
        return { answer: { kind: "unknown", retryAfterMs: outcome.retryAfterMs } };
    }
  }
}

function readable(credential: Credential): Secret | undefined {
  try {
    return credential.accessToken();
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return undefined;
    throw error;
  }
}
