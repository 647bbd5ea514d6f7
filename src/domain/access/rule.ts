/** One thing a caller may do: these methods, on these platforms, for these owners. */
export interface Rule {
  /** RPC names, and `Metrics`. */
  readonly methods: "all" | ReadonlySet<string>;
  /** Product names. */
  readonly products: "all" | ReadonlySet<string>;
  /** `all` includes installations without an owner; a set does not. */
  readonly owners: "all" | ReadonlySet<string>;
  /**
   * By product whose tokens can be narrowed: the most that a token may hold, in the platform's own naming. None, or
   * undefined: whatever was granted.
   */
  readonly ceilings: ReadonlyMap<string, Permissions | undefined>;
  readonly rate: Rate | undefined;
  /** Where links of this caller may lead back to, beside the allowed ones of the service. */
  readonly returnOrigins: ReadonlySet<string>;
  /** Whether its links may complete in the callback although they have an owner. */
  readonly completeInCallback: boolean;
}

/** Permission → level: `read`, `write` or `admin`. */
export type Permissions = Readonly<Record<string, string>>;

/** A token bucket: `burst` calls at once, `perSecond` in the long run. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}
