import type { PlatformEvent } from "../model/platform-event.ts";

/** What is still to be done with a delivery; `done`: nothing, but to know it again. */
export type DeliveryTask = "apply" | "done";

/** A verified delivery on its way into the queue. */
export interface NewDelivery {
  readonly platform: string;
  readonly event: PlatformEvent;
  readonly task: DeliveryTask;
  /** Whether this process does it next; else it is due at once, for whoever looks first. */
  readonly leased: boolean;
}

/** One that was taken up. */
export interface TakenDelivery {
  readonly id: string;
  readonly platform: string;
  readonly event: PlatformEvent;
  /** How often it was taken up, this time included. Whoever took it up later has the right to it. */
  readonly attempts: number;
}

/**
 * Every delivery once, by platform and delivery id, and what is to be done with it until that is done. Leases and due
 * times are the database's. All @throw ServiceError SERVICE_UNAVAILABLE.
 */
export interface DeliveryRepository {
  /** Keeps those that were not seen before, all or none. Gives each its id, in their order; undefined: seen before. */
  keep(deliveries: readonly NewDelivery[], leaseMs: number): Promise<readonly (string | undefined)[]>;
  /** Takes up what is due, longest due first. What no key opens is passed over and stays due a while later. */
  take(limit: number, leaseMs: number): Promise<readonly TakenDelivery[]>;
  /** There is nothing left to do. */
  finish(delivery: Pick<TakenDelivery, "id" | "attempts">): Promise<void>;
  /** Due again after so long. */
  putOff(delivery: Pick<TakenDelivery, "id" | "attempts">, delayMs: number): Promise<void>;
  /** Forgets what came so long ago, done or not. */
  prune(olderThanMs: number): Promise<void>;
}
