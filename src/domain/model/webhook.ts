/** How the platform's delivery of events to us stands, for one installation or for all of a platform. */
export interface Webhook {
  /** Whether the platform confirmed it. */
  readonly registered: boolean;
  /** Where events are sent; where it is registered by hand, what to enter at the platform. */
  readonly url: string;
  /** The platform's ids of it; none where it has none. */
  readonly externalIds: readonly string[];
  /** Why it is not registered, in a fixed word of ours; undefined where nothing went wrong. */
  readonly error: string | undefined;
  /** When the platform drops it unless it is renewed; undefined: never. */
  readonly expiresAt: Date | undefined;
}
