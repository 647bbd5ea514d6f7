import type { PlatformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import type { Person } from "./accounts.ts";

export interface UserTokenLifetimes {
  readonly userTokenSeconds: number;
  readonly refreshTokenSeconds: number;
}

/** A token that acts for a person: `ghu_` of the GitHub App, `gho_` of the OAuth App. */
export interface UserToken {
  readonly value: string;
  readonly client: "app" | "oauth";
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  /** Both undefined for a token that never expires. */
  readonly expiresAt: Date | undefined;
  readonly refreshToken: string | undefined;
  readonly refreshExpiresAt: Date | undefined;
  ended: boolean;
}

export interface UserTokenRequest {
  readonly client: "app" | "oauth";
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly expiring: boolean;
}

export interface UserTokens {
  issue(request: UserTokenRequest): UserToken;
  /** Ends the pair at once and gives a new one; undefined for a refresh token that is unknown, spent or too old. */
  refresh(refreshToken: string | undefined, client: "app" | "oauth"): UserToken | undefined;
  /** The token if it works now. */
  live(value: string | undefined): UserToken | undefined;
  /** Ends one token pair. */
  end(token: UserToken): void;
  /** Ends all of a person's tokens for the client. */
  endGrant(client: "app" | "oauth", person: Person): void;
  endAll(): void;
}

/** Live tokens per person, client and set of scopes; the oldest ends when there would be more. */
const maxLiveTokens = 10;

export function userTokens(world: PlatformWorld, lifetimes: UserTokenLifetimes): UserTokens {
  const all: UserToken[] = [];
  const isLive = (token: UserToken) => !token.ended && isAhead(token.expiresAt, world.now());

  function issue({ client, person, scopes, expiring }: UserTokenRequest): UserToken {
    const createdAt = world.now();
    const after = (seconds: number) => (expiring ? new Date(createdAt.getTime() + seconds * 1000) : undefined);
    const token: UserToken = {
      value: `${client === "app" ? "ghu" : "gho"}_${randomText(world.random, 36)}`,
      client,
      person,
      scopes,
      createdAt,
      expiresAt: after(lifetimes.userTokenSeconds),
      refreshToken: expiring ? `ghr_${randomText(world.random, 76)}` : undefined,
      refreshExpiresAt: after(lifetimes.refreshTokenSeconds),
      ended: false,
    };
    all.push(token);
    const siblings = all.filter((other) => isLive(other) && samePurpose(other, token));
    for (const oldest of siblings.slice(0, -maxLiveTokens)) oldest.ended = true;
    return token;
  }

  return {
    issue,
    refresh(refreshToken, client) {
      const token = all.find((one) => refreshToken !== undefined && one.refreshToken === refreshToken);
      if (token === undefined || token.ended || token.client !== client) return undefined;
      if (!isAhead(token.refreshExpiresAt, world.now())) return undefined;
      token.ended = true;
      return issue({ client, person: token.person, scopes: token.scopes, expiring: true });
    },
    live: (value) => all.find((token) => token.value === value && isLive(token)),
    end(token) {
      token.ended = true;
    },
    endGrant(client, person) {
      for (const token of all) if (token.client === client && token.person === person) token.ended = true;
    },
    endAll() {
      for (const token of all) token.ended = true;
    },
  };
}

function isAhead(end: Date | undefined, now: Date): boolean {
  return end === undefined || end.getTime() > now.getTime();
}

function samePurpose(a: UserToken, b: UserToken): boolean {
  return a.client === b.client && a.person === b.person && a.scopes.join() === b.scopes.join();
}
