import { GetTokenRequestSchema, TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { CallOptions } from "../call-options.ts";
import { abortable } from "../calls/abortable.ts";
import type { Calls } from "../calls/calls.ts";
import { refuseUnknownFields } from "../calls/known-fields.ts";
import type { Selector, Token } from "../token-client.ts";
import { TokenServiceError } from "../token-service-error.ts";
import { type Age, startAge, usableMs } from "./age.ts";
import type { EnvironmentTokens } from "./environment-tokens.ts";
import { copyOf, type KeptToken, keptToken } from "./kept-token.ts";
import { keyOf, toMs, toRequest } from "./request.ts";

export interface Tokens {
  get(selector: Selector, options?: CallOptions): Promise<Token>;
  reject(tokenId: string): void;
  /** Drops what is remembered of an installation. */
  forget(installationId: string): void;
}

/** What is known for one selector. */
interface Entry {
  kept: { readonly token: KeptToken; readonly age: Age; readonly usableMs: number } | undefined;
  flight: Flight | undefined;
  /** The last one that was given out. */
  lastTokenId: string | undefined;
  rejectedTokenId: string | undefined;
}

/** One call for all who ask meanwhile and know of the same rejection. */
interface Flight {
  readonly rejectedTokenId: string | undefined;
  readonly token: Promise<KeptToken>;
}

/** Selectors remembered at most. */
export const mostSelectors = 10_000;
/** A service that could not be reached is waited for this long while a static token stands in. */
const standInPatienceMs = 1_000;

export function createTokens(
  calls: Calls,
  environmentTokens: EnvironmentTokens | undefined,
  now: (() => number) | undefined,
): Tokens {
  const entries = new Map<string, Entry>();

  function entryOf(key: string): Entry {
    const known = entries.get(key);
    if (known !== undefined) return known;
    for (const oldest of entries.keys()) {
      if (entries.size < mostSelectors) break;
      entries.delete(oldest);
    }
    const entry = { kept: undefined, flight: undefined, lastTokenId: undefined, rejectedTokenId: undefined };
    entries.set(key, entry);
    return entry;
  }

  function fly(entry: Entry, selector: Selector, key: string): Flight {
    const { rejectedTokenId } = entry;
    const flight: Flight = { rejectedTokenId, token: ask(entry, selector, key, () => entry.flight === flight) };
    const land = () => {
      if (entry.flight === flight) entry.flight = undefined;
    };
    flight.token.then(land, land);
    return flight;
  }

  async function ask(entry: Entry, selector: Selector, key: string, isLatest: () => boolean): Promise<KeptToken> {
    const age = startAge(now);
    const request = toRequest(selector, entry.rejectedTokenId);
    const minTtlMs = selector.minTtl === undefined ? undefined : toMs(selector.minTtl);
    try {
      const standIn = environmentTokens?.isStandingIn(selector) ? { timeoutMs: standInPatienceMs, tries: 1 } : {};
      const { message, serviceTime } = await calls.unary(TokenService.method.getToken, request, standIn);
      environmentTokens?.over(selector, key);
      const token = keptToken(message);
      if (isLatest() && token.tokenId !== entry.rejectedTokenId) {
        const ms = usableMs(token.expireTime, serviceTime, minTtlMs, now ?? Date.now);
        Object.assign(entry, { kept: { token, age, usableMs: ms }, rejectedTokenId: undefined });
      }
      entry.lastTokenId = token.tokenId;
      return token;
    } catch (error) {
      const refusal = error instanceof TokenServiceError ? error : undefined;
      const instead = refusal && environmentTokens?.insteadOf(refusal, selector, key);
      if (instead === undefined) throw error;
      return instead;
    }
  }

  /** One that was replaced meanwhile is no news. */
  function reject(entry: Entry, tokenId: string): void {
    if (entry.kept !== undefined && entry.kept.token.tokenId !== tokenId) return;
    Object.assign(entry, { kept: undefined, rejectedTokenId: tokenId });
  }

  return {
    async get(given, options) {
      for (const ended of [calls.closed, options?.signal]) ended?.throwIfAborted();
      refuseUnknownFields(GetTokenRequestSchema, given);
      const key = keyOf(given);
      const entry = entryOf(key);
      if (entry.kept !== undefined) {
        const ageMs = entry.kept.age();
        if (!(ageMs >= 0 && ageMs < entry.kept.usableMs)) entry.kept = undefined;
      }
      // A rejection that waits for its answer may be of a later one.
      if (given.rejectedTokenId && entry.rejectedTokenId === undefined) reject(entry, given.rejectedTokenId);
      if (entry.kept !== undefined) return copyOf(entry.kept.token);
      if (entry.flight === undefined || entry.flight.rejectedTokenId !== entry.rejectedTokenId) {
        entry.flight = fly(entry, { ...given }, key);
      }
      const { token } = entry.flight;
      return copyOf(await (options?.signal === undefined ? token : abortable(token, options.signal)));
    },
    reject(tokenId) {
      if (tokenId === "") return;
      for (const entry of entries.values()) {
        const isOurs = [entry.lastTokenId, entry.kept?.token.tokenId].includes(tokenId);
        if (isOurs) reject(entry, tokenId);
      }
    },
    forget(installationId) {
      for (const entry of entries.values()) {
        if (entry.kept?.token.installationId === installationId) entry.kept = undefined;
      }
    },
  };
}
