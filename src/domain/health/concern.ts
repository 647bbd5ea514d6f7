import type { Installation } from "../model/installation.ts";

/** Why a connection will need a person, or needs one already; what is most urgent first. */
export const concernKinds = [
  "reauthorization_required",
  "suspended",
  "repeated_failures",
  "absolute_end",
  "idle_end",
  "permissions_pending",
  "silent_webhooks",
] as const;

/**
 * `absolute_end`: its grant ends whatever is refreshed. `idle_end`: its grant ends since it has not been refreshed for
 * long. `repeated_failures`: no token was obtained for an hour and more, while others were. `permissions_pending`: the
 * app asks for more than its organization has approved. `silent_webhooks`: the platform tells us nothing of it.
 */
export type ConcernKind = (typeof concernKinds)[number];

/** What is wrong with a connection as it is now; of each kind one at most. Never a secret. */
export interface Finding {
  readonly kind: ConcernKind;
  /** Since when, as well as it is known. */
  readonly since: Date;
  /** What exactly: the code of the last failure, the permissions that wait; undefined where the kind says it all. */
  readonly detail: string | undefined;
  /** Until when a person can act before it stops working; undefined: it has stopped, or there is no such time. */
  readonly actBefore: Date | undefined;
}

/** A finding that is on the list, from the first round that found it until one finds that it has passed. */
export interface Concern extends Finding {
  /** The same from its begin to its end: what a receiver of alerts can tell both by. */
  readonly id: string;
  readonly installationId: string;
  readonly platform: string;
}

/** One that is shown, with whose connection it is. */
export interface ListedConcern extends Concern, Pick<Installation, "owner" | "externalOrgId" | "externalOrgName"> {}
