import type { FlowFailure } from "../connecting/tell-flow.ts";

/** `opening`: begun, and nobody knows yet who may look. */
export type FlowState = "opening" | "opened" | "at_platform" | "finishing" | "connected" | "denied" | "failed";

/** A connection that a product's page watches while a person makes it in a popup. Its name is kept as SHA-256. */
export interface Flow {
  readonly platform: string;
  readonly state: FlowState;
  /** The one origin that may look; undefined: those that any connection may lead back to. */
  readonly returnOrigin: string | undefined;
  readonly reason: FlowFailure | undefined;
  /** Whether a completion code goes from the popup's page to the page that opened it. */
  readonly completion: boolean;
  /** When the popup was first said to be closed since it last moved. */
  readonly closedAt: Date | undefined;
  readonly movedAt: Date;
  /** When it has ended, if it has not by then. */
  readonly expiresAt: Date;
}

export interface FlowMove {
  readonly state: FlowState;
  readonly reason?: FlowFailure | undefined;
  readonly completion?: boolean | undefined;
  /** The origin that may look; undefined: as before. */
  readonly returnOrigin?: string | undefined;
  /** Only a flow that has not come to the platform yet. */
  readonly atStart?: boolean | undefined;
  readonly expiresAt: Date;
}

export interface FlowRepository {
  /**
   * Begins a flow that nobody has begun, or begins it again with the same link while nothing has come of it. False: it
   * is another one's, and stays as it is.
   */
  begin(
    hash: string,
    begun: {
      readonly platform: string;
      readonly linkHash: string | undefined;
      readonly now: Date;
      readonly expiresAt: Date;
    },
  ): Promise<boolean>;
  /** Nothing moves a flow that has ended. */
  move(hash: string, move: FlowMove, now: Date): Promise<void>;
  /** Notes that its popup seems closed. */
  close(hash: string, now: Date): Promise<void>;
  /** By their hashes; without those that nobody has begun. */
  find(hashes: readonly string[]): Promise<ReadonlyMap<string, Flow>>;
  /** Forgets flows that ended before `before`. */
  prune(before: Date): Promise<void>;
}
