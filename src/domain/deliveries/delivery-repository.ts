import type { Installation } from "../model/installation.ts";
import type { EventSubject, PlatformEvent } from "../model/platform-event.ts";

/**
 * What is still to be done with a delivery: what it means here, then its way to who wants to hear of it; `alert`: the way
 * of what needs a person. `done`: nothing, but to know it again.
 */
export type DeliveryTask = "apply" | SentTask | "done";

/** What is sent to somebody: each to a receiver of its own. */
export type SentTask = "forward" | "alert";

/** What is kept of a delivery: as it came, or a message of our own as it goes out. */
export type DeliveryContent =
  | {
      readonly kind: "event";
      readonly event: PlatformEvent;
      /** The JSON that came; undefined where nobody else wants to hear of it. */
      readonly payload: string | undefined;
    }
  | { readonly kind: "message"; readonly body: string };

/** A verified delivery, or a change of ours, on its way into the queue. */
export interface NewDelivery {
  readonly platform: string;
  /** With the platform what it is known again by. */
  readonly deliveryId: string;
  /** `github.issues.opened`. */
  readonly type: string;
  readonly content: DeliveryContent;
  readonly task: DeliveryTask;
  /** Whether this process does it next; else it is due at once, for whoever looks first. */
  readonly leased: boolean;
}

/** One that was taken up. */
export interface TakenDelivery extends Pick<NewDelivery, "platform" | "type" | "content"> {
  readonly id: string;
  readonly receivedAt: Date;
  /** How often it was taken up, this time included. Whoever took it up later has the right to it. */
  readonly attempts: number;
}

/** Whose right it is to say what becomes of one. */
export type DeliveryClaim = Pick<TakenDelivery, "id" | "attempts">;

/** What is kept of an attempt that failed; a fixed word of ours. */
export interface FailedAttempt {
  readonly error: string;
  /** Until it is due again; undefined: never, and it waits for an operator. */
  readonly delayMs: number | undefined;
}

/**
 * Every delivery once, by platform and delivery id, and what is to be done with it until that is done. Leases and due
 * times are the database's. All @throw ServiceError SERVICE_UNAVAILABLE.
 */
export interface DeliveryRepository {
  /** Keeps those that were not seen before, all or none. Gives each what was kept of it, in their order; undefined: seen. */
  keep(
    deliveries: readonly NewDelivery[],
    leaseMs: number,
  ): Promise<readonly (Pick<TakenDelivery, "id" | "receivedAt"> | undefined)[]>;
  /**
   * Takes up what is due, longest due first: so many, and no further ones once they have so many bytes. What our keys do not
   * open stays due, for whoever has them.
   */
  take(
    task: "apply" | SentTask,
    most: { readonly rows: number; readonly bytes: number },
    leaseMs: number,
  ): Promise<readonly TakenDelivery[]>;
  /** Its meaning has had its effect: goes on to `next`, for this process or for whoever looks first. False: it is another's. */
  applied(
    delivery: DeliveryClaim,
    next: { readonly task: "forward" | "done"; readonly leaseMs: number },
  ): Promise<boolean>;
  /** They arrived, whoever brought them: what they held goes. */
  forwarded(ids: readonly string[]): Promise<void>;
  /** It could not be done now. */
  failed(delivery: DeliveryClaim, attempt: FailedAttempt): Promise<void>;
  /** Whose event it is: the one installation that it names, also one that has ended since; undefined: none, or several. */
  whose(platform: string, about: EventSubject): Promise<EventOwner | undefined>;
  /** Forgets what came so long ago, done or not. */
  prune(olderThanMs: number): Promise<void>;
}

export type EventOwner = Pick<Installation, "id" | "owner" | "externalOrgId" | "externalInstallId">;

/** Whether the receiver said that it is gone for good: so said of an address, for all replicas. */
export interface ForwardingSwitch {
  isOff(address: string): Promise<boolean>;
  turnOff(address: string): Promise<void>;
}
