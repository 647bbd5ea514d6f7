/**
 * What the contract's section 6 says must happen, worked out from tables and loops. Nothing of the service is used here
 * but the shape of the tables.
 */
import type { RawCaller, RawInstallation, RawRule } from "./cast.ts";

/** What a GetToken names. Keys stand for ids. */
export interface TokenQuestion {
  readonly id?: string;
  readonly platform?: string;
  readonly org?: string;
  readonly owner?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly repositories?: readonly string[];
}

export type Verdict =
  | { readonly verdict: "denied" }
  | { readonly verdict: "not_found" }
  | { readonly verdict: "revoked" }
  | { readonly verdict: "cannot_be_narrowed" }
  | { readonly verdict: "not_granted" }
  | { readonly verdict: "ambiguous"; readonly keys: readonly string[] }
  /** `body`: what GitHub is asked for; undefined elsewhere. `product`: as what the token is handed out. */
  | {
      readonly verdict: "token";
      readonly key: string;
      readonly product: string;
      readonly body: Readonly<Record<string, unknown>> | undefined;
    };

const ranks: Readonly<Record<string, number>> = { read: 1, write: 2, admin: 3 };

function rulesFor(caller: RawCaller, method: string): RawRule[] {
  const found: RawRule[] = [];
  for (const rule of caller.allow) {
    for (const name of rule.methods) if (name === method) found.push(rule);
  }
  return found;
}

function isListed(list: readonly string[] | undefined, wanted: string): boolean {
  for (const one of list ?? []) if (one === wanted) return true;
  return false;
}

/** Whether one rule lets somebody deal with an installation as this product. */
function ruleShows(rule: RawRule, installation: RawInstallation, product: string): boolean {
  if (!isListed(rule.platforms, product)) return false;
  if (!isListed(installation.products, product)) return false;
  if (rule.all_owners === true) return true;
  return installation.owner !== undefined && isListed(rule.owners, installation.owner);
}

/** The products as which a caller may see an installation, in the installation's own order. */
export function productsSeen(caller: RawCaller, method: string, installation: RawInstallation): string[] {
  const seen: string[] = [];
  for (const product of installation.products) {
    for (const rule of rulesFor(caller, method)) {
      if (ruleShows(rule, installation, product) && !isListed(seen, product)) seen.push(product);
    }
  }
  return seen;
}

/** Denied before any look-up: no single rule has all that the request names. */
function fitsNoRule(caller: RawCaller, method: string, platform?: string, owner?: string): boolean {
  for (const rule of rulesFor(caller, method)) {
    const platformFits = platform === undefined || isListed(rule.platforms, platform);
    const ownerFits = owner === undefined || rule.all_owners === true || isListed(rule.owners, owner);
    if (platformFits && ownerFits) return false;
  }
  return true;
}

/** The highest level of each permission over the rules; undefined if one of them has no ceiling, or there is none. */
function ceilingOf(rules: readonly RawRule[]): Record<string, number> | undefined {
  const ceiling: Record<string, number> = {};
  if (rules.length === 0) return undefined;
  for (const rule of rules) {
    if (rule.permissions === undefined) return undefined;
    for (const [name, level] of Object.entries(rule.permissions.github)) {
      ceiling[name] = Math.max(ceiling[name] ?? 0, ranks[level] ?? 0);
    }
  }
  return ceiling;
}

function exceeds(asked: Readonly<Record<string, string>>, most: Readonly<Record<string, number>>): boolean {
  for (const [name, level] of Object.entries(asked)) if ((ranks[level] ?? 9) > (most[name] ?? 0)) return true;
  return false;
}

function inRanks(levels: Readonly<Record<string, string>>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, level] of Object.entries(levels)) found[name] = ranks[level] ?? 0;
  return found;
}

function nameOfRank(rank: number): string {
  for (const [name, value] of Object.entries(ranks)) if (value === rank) return name;
  throw new Error(`no level ${rank}`);
}

export function askToken(caller: RawCaller, all: readonly RawInstallation[], question: TokenQuestion): Verdict {
  const method = "GetToken";
  const { id, platform, org, owner, permissions = {}, repositories = [] } = question;
  if (fitsNoRule(caller, method, platform, owner)) return { verdict: "denied" };
  const asksPermissions = Object.keys(permissions).length > 0;
  if (asksPermissions && (platform === undefined || platform === "github")) {
    const possible = rulesFor(caller, method).filter(
      (rule) =>
        isListed(rule.platforms, "github") && (owner === undefined || rule.all_owners || isListed(rule.owners, owner)),
    );
    const most = ceilingOf(possible);
    if (most !== undefined && exceeds(permissions, most)) return { verdict: "denied" };
  }

  const matching: RawInstallation[] = [];
  for (const installation of all) {
    const seen = productsSeen(caller, method, installation);
    if (platform === undefined ? seen.length === 0 : !isListed(seen, platform)) continue;
    if (id === undefined ? installation.revoked : installation.key !== id) continue;
    if (org !== undefined && installation.key !== org) continue;
    if (owner !== undefined && installation.owner !== owner) continue;
    matching.push(installation);
  }
  const [only, ...others] = matching;
  if (only === undefined) return { verdict: "not_found" };
  if (others.length > 0) return { verdict: "ambiguous", keys: matching.map(({ key }) => key).reverse() };
  if (only.revoked) return { verdict: "revoked" };

  const product = platform ?? productsSeen(caller, method, only)[0];
  if (product === undefined) throw new Error("seen as nothing");
  if (only.platform !== "github") {
    const asksNarrow = asksPermissions || repositories.length > 0;
    return asksNarrow
      ? { verdict: "cannot_be_narrowed" }
      : { verdict: "token", key: only.key, product, body: undefined };
  }
  const ceiling = ceilingOf(rulesFor(caller, method).filter((rule) => ruleShows(rule, only, "github")));
  const granted = inRanks(only.granted);
  const named = repositories.length > 0 ? { repositories } : {};
  if (asksPermissions) {
    if (ceiling !== undefined && exceeds(permissions, ceiling)) return { verdict: "denied" };
    if (exceeds(permissions, granted)) return { verdict: "not_granted" };
    return { verdict: "token", key: only.key, product, body: { ...named, permissions } };
  }
  if (ceiling === undefined) return { verdict: "token", key: only.key, product, body: named };
  const narrowed: Record<string, string> = {};
  for (const [name, most] of Object.entries(ceiling)) {
    const rank = Math.min(most, granted[name] ?? 0);
    if (rank > 0) narrowed[name] = nameOfRank(rank);
  }
  // An empty map would mean all permissions to GitHub.
  if (Object.keys(narrowed).length === 0) return { verdict: "not_granted" };
  return { verdict: "token", key: only.key, product, body: { ...named, permissions: narrowed } };
}

/** The keys of a list, newest first. */
export function askList(
  caller: RawCaller,
  all: readonly RawInstallation[],
  filter: { readonly platform?: string; readonly owner?: string },
): "denied" | readonly string[] {
  const method = "ListInstallations";
  if (fitsNoRule(caller, method, filter.platform, filter.owner)) return "denied";
  const keys: string[] = [];
  for (const installation of all) {
    const seen = productsSeen(caller, method, installation);
    if (filter.platform === undefined ? seen.length === 0 : !isListed(seen, filter.platform)) continue;
    if (filter.owner !== undefined && installation.owner !== filter.owner) continue;
    keys.unshift(installation.key);
  }
  return keys;
}

/** For what names an installation by its id alone. */
export function askById(
  caller: RawCaller,
  method: string,
  installation: RawInstallation | undefined,
): "denied" | "not_found" | "found" {
  if (rulesFor(caller, method).length === 0) return "denied";
  if (installation === undefined) return "not_found";
  const seen = productsSeen(caller, method, installation).length;
  if (seen === 0) return "not_found";
  // Revoking ends what the installation serves in every product.
  return method === "RevokeInstallation" && seen < installation.products.length ? "denied" : "found";
}
