import { ServiceError } from "../../errors.ts";
import { highest, isWithin } from "./permission-ceiling.ts";
import type { Permissions, Rate, Rule } from "./rule.ts";

/** What a caller may see, for look-ups; `rules` any of which is enough. */
export interface Visibility {
  /** The same for the same rules: keeps what is remembered for one caller from another. Empty: sees everything. */
  readonly key: string;
  readonly rules: readonly VisibilityRule[];
}

export interface VisibilityRule {
  /** Product names. */
  readonly products: "all" | readonly string[];
  readonly owners: "all" | readonly string[];
}

/** What one caller may do by one method. */
export interface Access {
  /** The rules of this method, at least one. */
  readonly rules: readonly Rule[];
  /** The rates of these rules, each with the key under which calls are counted. */
  readonly rates: readonly { readonly key: string; readonly rate: Rate }[];
  /**
   * To be asked before any look-up, with what the request itself names.
   * @throws ServiceError CALLER_NOT_ALLOWED if no rule allows this product and owner together, or
   * all that do have a ceiling below these permissions.
   */
  check(product: string | undefined, owner: string | undefined, permissions?: Permissions): void;
  /** Whether it may see an installation as this product. */
  sees(product: string, owner: string | undefined): boolean;
  /** What it may see; of one product where one is named. */
  visible(product: string | undefined): Visibility;
  /**
   * The most a token may hold; undefined: whatever was granted. Of several rules the most generous counts; what no rule
   * covers may hold nothing.
   */
  ceiling(product: string, owner: string | undefined): Permissions | undefined;
}

/** @throws ServiceError CALLER_NOT_ALLOWED if no rule names the method. */
export function createAccess(caller: string, method: string, all: readonly Rule[]): Access {
  const rules = all.filter((rule) => includes(rule.methods, method));
  if (rules.length === 0) throw notAllowed(`${caller} may not call ${method}`);
  const everything = rules.some(seesEverything);
  const unlimited = rules.some((rule) => seesEverything(rule) && rule.ceilings.size === 0);
  const visibilities = new Map<string | undefined, Visibility>();

  function visible(product: string | undefined): Visibility {
    const known = visibilities.get(product);
    if (known !== undefined) return known;
    const made = visibilityOf(product === undefined ? rules : rules.filter((rule) => includes(rule.products, product)));
    // Only names of the caller file are remembered, so that requests cannot fill the memory.
    if (product === undefined || rules.some(({ products }) => products !== "all" && products.has(product))) {
      visibilities.set(product, made);
    }
    return made;
  }

  return {
    rules,
    rates: all.flatMap(({ methods, rate }, index) =>
      rate !== undefined && includes(methods, method) ? [{ key: `${caller}#${index}`, rate }] : [],
    ),
    check(product, owner, permissions) {
      if (unlimited) return;
      const ofProduct = rules.filter((rule) => product === undefined || includes(rule.products, product));
      if (ofProduct.length === 0) throw notAllowed(`${caller} may not call ${method} for this platform`);
      const fitting = ofProduct.filter((rule) => owner === undefined || includes(rule.owners, owner));
      if (fitting.length === 0) throw notAllowed(`${caller} may not call ${method} for this owner`);
      if (permissions === undefined || Object.keys(permissions).length === 0) return;
      const meant = product === undefined ? narrowable(fitting) : [product];
      const allowed = (one: string) => {
        const most = mostOf(fitting, one);
        return most === undefined || isWithin(permissions, most);
      };
      if (meant.length > 0 && !meant.some(allowed)) {
        throw notAllowed(`${caller} may not have these permissions`);
      }
    },
    sees: (product, owner) => everything || rules.some((rule) => covers(rule, product, owner)),
    visible: (product) => (everything ? sightOfEverything : visible(product)),
    ceiling(product, owner) {
      if (unlimited) return undefined;
      const covering = rules.filter((rule) => covers(rule, product, owner));
      return covering.length === 0 ? {} : mostOf(covering, product);
    },
  };
}

/** The products that a request for permissions can mean if it names none. */
function narrowable(rules: readonly Rule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ ceilings }) => [...ceilings.keys()]))];
}

/** By the rules that have the product; undefined if one of them has no ceiling. */
function mostOf(rules: readonly Rule[], product: string): Permissions | undefined {
  let most: Permissions | undefined;
  for (const { products, ceilings } of rules) {
    if (!includes(products, product)) continue;
    const ceiling = ceilings.get(product);
    if (ceiling === undefined) return undefined;
    most = most === undefined ? ceiling : highest(most, ceiling);
  }
  return most;
}

/** No limit. */
export const sightOfEverything: Visibility = { key: "", rules: [{ products: "all", owners: "all" }] };

/** Whether an installation may be seen as this product. */
export function shows({ rules }: Visibility, product: string, owner: string | undefined): boolean {
  return rules.some(
    ({ products, owners }) =>
      (products === "all" || products.includes(product)) &&
      (owners === "all" || (owner !== undefined && owners.includes(owner))),
  );
}

function visibilityOf(rules: readonly Rule[]): Visibility {
  if (rules.some(seesEverything)) return sightOfEverything;
  const seen = rules.map(({ products, owners }) => ({ products: listed(products), owners: listed(owners) }));
  return { key: JSON.stringify(seen), rules: seen };
}

function seesEverything({ products, owners }: Rule): boolean {
  return products === "all" && owners === "all";
}

/** An installation without an owner is seen by callers of all owners only. */
export function covers({ products, owners }: Rule, product: string, owner: string | undefined): boolean {
  return includes(products, product) && (owner === undefined ? owners === "all" : includes(owners, owner));
}

function includes(names: "all" | ReadonlySet<string>, name: string): boolean {
  return names === "all" || names.has(name);
}

function listed(names: "all" | ReadonlySet<string>): "all" | readonly string[] {
  return names === "all" ? names : [...names].sort();
}

function notAllowed(message: string): ServiceError {
  return new ServiceError("CALLER_NOT_ALLOWED", message);
}

/** What an installation is seen by. */
interface Subject {
  readonly products: readonly string[];
  readonly owner: string | undefined;
}

/** Whether a caller may see an installation as one of its products. */
export function seesAny(access: Access, { products, owner }: Subject): boolean {
  return products.some((product) => access.sees(product, owner));
}

/** Whether a caller may see it as each of its products: who ends it ends all of them. */
export function seesAll(access: Access, { products, owner }: Subject): boolean {
  return products.every((product) => access.sees(product, owner));
}
