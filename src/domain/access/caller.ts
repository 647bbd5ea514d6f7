import { type Access, createAccess } from "./access.ts";
import type { Rule } from "./rule.ts";

/** Who asks, proven. */
export interface Caller {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** SHA-256 of the caller file, in hex; undefined where there is none. */
  readonly policyHash: string | undefined;
  /**
   * What it may do by one method.
   * @throws ServiceError CALLER_NOT_ALLOWED if that is nothing.
   */
  access(method: string): Access;
}

/** What a door has seen of a caller's proof. */
export interface Evidence {
  /** The `authorization` header or metadata. */
  readonly authorization: string | undefined;
  /** Subject alternative names of a verified client certificate: `URI:…`, `DNS:…`. */
  readonly certificateNames: readonly string[];
}

/**
 * Says who asks. At once where it can, since it is part of every call.
 * @throws ServiceError CALLER_UNAUTHENTICATED, the same for everything that is wrong with a proof.
 */
export type Authenticate = (evidence: Evidence) => Caller | Promise<Caller>;

/** A caller with the rules of the caller file. What it may do by a method is worked out once. */
export function createCaller(name: string, rules: readonly Rule[], policyHash: string | undefined): Caller {
  const known = new Map<string, Access>();
  return {
    name,
    rules,
    policyHash,
    access(method) {
      const seen = known.get(method);
      if (seen !== undefined) return seen;
      const access = createAccess(name, method, rules);
      known.set(method, access);
      return access;
    },
  };
}

const everything: Rule = {
  methods: "all",
  products: "all",
  owners: "all",
  ceilings: new Map(),
  rate: undefined,
  returnOrigins: new Set(),
  completeInCallback: true,
};

/** Everybody, where callers are not told apart. */
export const anonymous: Caller = createCaller("anonymous", [everything], undefined);

/** Who runs commands beside the service: whoever has its settings may do what it may. */
export const operator: Caller = createCaller("operator", [everything], undefined);
