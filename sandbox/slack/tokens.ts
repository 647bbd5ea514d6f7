import type { PlatformWorld } from "../options.ts";
import { randomText } from "../random-text.ts";
import { type Site, type SlackPerson, siteId } from "./places.ts";

export interface SlackLifetimes {
  readonly accessSeconds: number;
  /** How long a spent refresh token still works. */
  readonly graceSeconds: number;
}

/** One bot, or one person, in one installation: the unit that is rotated. */
export interface SlackCredential {
  readonly site: Site;
  readonly actor: "bot" | "user";
  /** Who installed (bot), or whose token it is. */
  readonly person: SlackPerson;
  readonly scopes: ReadonlySet<string>;
}

export interface SlackTokenPair {
  readonly credential: SlackCredential;
  readonly accessToken: string;
  /** Both undefined without rotation. */
  readonly refreshToken: string | undefined;
  readonly expiresAt: Date | undefined;
}

/** What a presented token is; the words are Slack's. */
export type TokenState =
  | { readonly kind: "live"; readonly pair: SlackTokenPair }
  | {
      readonly kind: "refused";
      readonly error: "invalid_auth" | "token_expired" | "token_revoked" | "account_inactive";
    };

export interface SlackTokens {
  /** A new pair; scopes add up with those granted earlier. Without rotation the earlier token ends at once. */
  grant(site: Site, actor: "bot" | "user", person: SlackPerson, scopes: readonly string[]): SlackTokenPair;
  /** A new pair; undefined for a token that is unknown, revoked, or spent longer ago than the grace. */
  refresh(refreshToken: string | undefined): SlackTokenPair | undefined;
  find(accessToken: string | undefined): TokenState;
  /** `auth.revoke`: with rotation this access or refresh token only, without it the authorization behind it. */
  revoke(token: string): boolean;
  /** Ends everything at a site. */
  uninstall(id: string): void;
  revokeAll(): void;
}

interface StoredPair extends SlackTokenPair {
  accessEnded: boolean;
  refreshEnded: boolean;
  refreshSpentAt: Date | undefined;
}

const maxLivePairs = 2;

export function slackTokens(world: PlatformWorld, rotation: boolean, lifetimes: SlackLifetimes): SlackTokens {
  let pairs: StoredPair[] = [];
  const uninstalled = new Set<string>();

  const isExpired = (pair: StoredPair) => pair.expiresAt !== undefined && pair.expiresAt <= world.now();
  const isLive = (pair: StoredPair) => !pair.accessEnded && !isExpired(pair);

  function issue(credential: SlackCredential): StoredPair {
    const kind = credential.actor === "bot" ? "xoxb" : "xoxp";
    const pair: StoredPair = {
      credential,
      accessToken: rotation
        ? `xoxe.${kind}-1-${randomText(world.random, 160)}`
        : `${kind}-${randomText(world.random, 50)}`,
      refreshToken: rotation ? `xoxe-1-${randomText(world.random, 146)}` : undefined,
      expiresAt: rotation ? new Date(world.now().getTime() + lifetimes.accessSeconds * 1000) : undefined,
      accessEnded: false,
      refreshEnded: false,
      refreshSpentAt: undefined,
    };
    pairs.push(pair);
    const live = pairs.filter((other) => isLive(other) && sameHolder(other.credential, credential));
    for (const oldest of live.slice(0, -maxLivePairs)) oldest.accessEnded = true;
    return pair;
  }

  function uninstall(id: string): void {
    for (const pair of pairs) if (siteId(pair.credential.site) === id) uninstalled.add(pair.accessToken);
    pairs = pairs.filter((pair) => siteId(pair.credential.site) !== id);
  }

  return {
    grant(site, actor, person, scopes) {
      const credential = { site, actor, person, scopes: new Set(scopes) };
      for (const earlier of pairs.filter((pair) => sameHolder(pair.credential, credential))) {
        for (const scope of earlier.credential.scopes) credential.scopes.add(scope);
        earlier.refreshSpentAt ??= world.now();
        earlier.accessEnded ||= !rotation;
      }
      return issue(credential);
    },
    refresh(refreshToken) {
      const pair = pairs.find((one) => refreshToken !== undefined && one.refreshToken === refreshToken);
      if (pair === undefined || pair.refreshEnded) return undefined;
      const now = world.now();
      pair.refreshSpentAt ??= now;
      if (now.getTime() - pair.refreshSpentAt.getTime() > lifetimes.graceSeconds * 1000) return undefined;
      return issue(pair.credential);
    },
    find(accessToken) {
      const present = pairs.find((pair) => pair.accessToken === accessToken);
      if (present !== undefined) {
        if (present.accessEnded) return { kind: "refused", error: "token_revoked" };
        return isExpired(present) ? { kind: "refused", error: "token_expired" } : { kind: "live", pair: present };
      }
      const gone = accessToken !== undefined && uninstalled.has(accessToken);
      return { kind: "refused", error: gone ? "account_inactive" : "invalid_auth" };
    },
    revoke(token) {
      const pair = pairs.find((one) => one.accessToken === token || one.refreshToken === token);
      if (pair === undefined) return false;
      if (pair.refreshToken === token) {
        if (pair.refreshEnded) return false;
        pair.refreshEnded = true;
        return true;
      }
      if (!isLive(pair)) return false;
      pair.accessEnded = true;
      const id = siteId(pair.credential.site);
      const left = pairs.some((one) => siteId(one.credential.site) === id && isLive(one));
      if (!rotation && !left) uninstall(id);
      return true;
    },
    uninstall,
    revokeAll() {
      for (const pair of pairs) {
        pair.accessEnded = true;
        pair.refreshEnded = true;
      }
    },
  };
}

/** A site has one bot, whoever installed it, and one credential for each person. */
function sameHolder(a: SlackCredential, b: SlackCredential): boolean {
  if (siteId(a.site) !== siteId(b.site) || a.actor !== b.actor) return false;
  return a.actor === "bot" || a.person.id === b.person.id;
}
