import { ServiceError } from "../../errors.ts";
import { type Access, covers } from "../access/access.ts";
import type { Caller } from "../access/caller.ts";
import type { LinkFacts } from "./install-link.ts";
import { parseReturnTo, type ReturnOrigins } from "./return-to.ts";

/** A caller by its name, with the rules in force now; undefined: nobody has it. */
export type CallerNow = (name: string) => Caller | undefined;

/** What a link stands for. */
export interface LinkUse {
  readonly facts: LinkFacts;
  readonly owner: string | undefined;
  /** Undefined also where the way back has been taken already. */
  readonly returnTo: string | undefined;
}

/**
 * Whether whoever made a link might make it now: links outlive the policy that allowed them, so they are held against
 * the one in force at every step. Gives what is wrong with it; undefined: nothing.
 */
export type LinkPolicy = (use: LinkUse) => "link_withdrawn" | "return_to_not_allowed" | undefined;

export function createLinkPolicy(callerNow: CallerNow, serviceOrigins: ReturnOrigins): LinkPolicy {
  return ({ facts: { caller, product, awaitsOwner, unbegun, linkCodeId }, owner, returnTo }) => {
    // Nobody made a link: whose it is, and whether they may, is decided when it is claimed.
    if (unbegun === true) return undefined;
    const isCode = linkCodeId !== undefined;
    const access = accessNow(callerNow(caller), isCode ? "StartLink" : "CreateInstallLink");
    if (access === undefined || !access.sees(product, owner)) return "link_withdrawn";
    // Who started it has its secret: that is what binds what it connects.
    if (isCode) return undefined;
    if (owner !== undefined && !awaitsOwner && !vouches(access, product, owner)) return "link_withdrawn";
    if (returnTo === undefined) return undefined;
    const allowed = originsOf(access, product, owner, serviceOrigins);
    return parseReturnTo(returnTo, allowed) === undefined ? "return_to_not_allowed" : undefined;
  };
}

/** Whether a caller may make links that complete in the callback. */
export function vouches({ rules }: Access, product: string, owner: string | undefined): boolean {
  return rules.some((rule) => covers(rule, product, owner) && rule.completeInCallback);
}

/** Where links of a caller may lead back to: where any may, and where its rules say. */
export function originsOf(
  { rules }: Access,
  product: string,
  owner: string | undefined,
  serviceOrigins: ReturnOrigins,
): ReturnOrigins {
  const own = rules.filter((rule) => covers(rule, product, owner)).flatMap((rule) => [...rule.returnOrigins]);
  return new Set([...serviceOrigins, ...own]);
}

/** What a caller may do by a method now; undefined: nothing. */
export function accessNow(caller: Caller | undefined, method: string): Access | undefined {
  try {
    return caller?.access(method);
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "CALLER_NOT_ALLOWED") return undefined;
    throw error;
  }
}
