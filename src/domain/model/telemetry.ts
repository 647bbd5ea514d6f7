import type { ErrorReason } from "../../errors.ts";
import type { Arrival } from "./call.ts";
import type { InstallFailure } from "./install-failure.ts";
import type { InstallationStatus, ProviderRevocation } from "./installation.ts";
import type { MintOutcome } from "./platform.ts";
import type { RefreshFailure } from "./refresh-failure.ts";
import type { TraceContext } from "./trace-context.ts";

/** One RPC, answered or refused, through any door. */
export interface FinishedCall {
  /** The RPC's name. */
  readonly method: string;
  readonly caller: string;
  /** The gRPC code's name; `OK` for an answer. */
  readonly code: string;
  /** Undefined for an answer, and for a bug of ours. */
  readonly reason: ErrorReason | undefined;
  readonly seconds: number;
}

/** Whether memory answered a look-up; `bypass`: the change feed was not proven alive, so it was not asked. */
export type LookUp = "hit" | "miss" | "bypass";

/** How a request for a token, sent to a platform, ended. `error`: a bug of ours. */
export type MintResult = MintOutcome["kind"] | "error";

/** How a refresh ended. `unreadable`: no key opens the row; `database`: it could not be reached; `error`: a bug of ours. */
export type RefreshResult = "current" | RefreshFailure | "unreadable" | "database" | "error";

/** How a browser flow ended. */
export type InstallResult = "connected" | "pending" | InstallFailure;

/** What happened to a link code. `wrong_code`: nobody started it; `slow_down`: too many of those came before it. */
export type LinkResult = "started" | "approved" | "denied" | "delivered" | "wrong_code" | "slow_down";

/**
 * What became of a request that says it comes from a platform. `seen`: once more; `ignored`: genuine, and nobody's;
 * `unavailable`: it could not be kept.
 */
export type DeliveryResult = "accepted" | "seen" | "ignored" | "challenge" | "refused" | "unavailable";

/** How an attempt to send an event or alert ended. `gone`: the receiver wants none any more, and none is sent from now on. */
export type ForwardResult = "delivered" | "failed" | "dead" | "gone";

/** A part of a call, or of what goes on by itself, that is worth a span of its own. */
export type Step =
  | "select"
  | "refresh"
  | "lease"
  | "commit"
  | "audit"
  | "install"
  | "platform mint"
  | "platform exchange"
  | "platform revoke"
  | "platform inspect";

/** What is said of a step. Never a secret, an address or an owner. */
export type StepFacts = Readonly<Record<string, string | number | boolean>>;

/** What log lines of one request have in common. */
export interface RequestIds {
  readonly requestId: string;
  readonly trace: Pick<TraceContext, "traceId"> | undefined;
}

/** Told of what happens, so that it can be seen from outside. None of it fails, waits or changes what it observes. */
export interface Telemetry {
  callFinished(call: FinishedCall): void;
  cacheLookedUp(outcome: LookUp): void;
  mintFinished(mint: { readonly platform: string; readonly result: MintResult; readonly seconds: number }): void;
  refreshFinished(refresh: {
    readonly platform: string;
    readonly result: RefreshResult;
    readonly seconds: number;
  }): void;
  /** A refresh waited for another replica's. */
  leaseWaited(platform: string, seconds: number): void;
  /** Hand-outs that are on record: the first of a token to a caller, or `count` further ones. */
  handedOut(kind: "first" | "repeated", count: number): void;
  /** The record of hand-outs could not be written. */
  auditFailed(): void;
  revocationFinished(result: ProviderRevocation): void;
  installFinished(platform: string, result: InstallResult): void;
  linkMoved(platform: string, result: LinkResult): void;
  deliveryReceived(platform: string, result: DeliveryResult): void;
  /** An attempt to send an event, or an alert, has ended. */
  sendingFinished(what: "forward" | "alert", result: ForwardResult): void;
  databaseChecked(reachable: boolean): void;
  /** Runs a call: what it logs and what it starts belongs to it. `work` is given the arrival with its own trace. */
  inCall<T>(arrival: Arrival, work: (arrival: Arrival) => T | Promise<T>): T | Promise<T>;
  /** Runs what handles a request that is no call: what it logs has these ids. */
  inRequest<T>(ids: RequestIds, work: () => T): T;
  /** Runs a step; `resultOf` says in a word how it ended. */
  step<T>(name: Step, facts: StepFacts, work: () => Promise<T>, resultOf?: (value: T) => string): Promise<T>;
}

const ignore = () => undefined;

/** Observes nothing. */
export const silentTelemetry: Telemetry = {
  callFinished: ignore,
  cacheLookedUp: ignore,
  mintFinished: ignore,
  refreshFinished: ignore,
  leaseWaited: ignore,
  handedOut: ignore,
  auditFailed: ignore,
  revocationFinished: ignore,
  installFinished: ignore,
  linkMoved: ignore,
  deliveryReceived: ignore,
  sendingFinished: ignore,
  databaseChecked: ignore,
  inCall: (arrival, work) => work(arrival),
  inRequest: (_ids, work) => work(),
  step: (_name, _facts, work) => work(),
};

/** Up to which time left tokens and grants are counted, in seconds. 0: those that have ended. */
export const horizonSeconds = { token: [0, 300, 3_600, 86_400], grant: [0, 604_800, 2_592_000] } as const;

/** What events and alerts wait for; `dead`: for an operator. */
export const waitingTasks = ["apply", "forward", "alert", "dead"] as const;

/** What is stored, in numbers. */
export interface Statistics {
  readonly installations: readonly {
    readonly platform: string;
    readonly status: InstallationStatus;
    readonly count: number;
  }[];
  /** Credentials that a key is needed for. */
  readonly keys: readonly { readonly keyId: string; readonly count: number }[];
  /** Refreshable access tokens and grants that end within `withinSeconds`, those that have ended included. */
  readonly ending: readonly {
    readonly what: "token" | "grant";
    readonly platform: string;
    readonly withinSeconds: number;
    readonly count: number;
  }[];
  /** Of installations that are active and have their own, and of platforms that have one for all. */
  readonly webhooks: readonly {
    readonly platform: string;
    readonly state: WebhookState;
    readonly count: number;
  }[];
  /** Seconds to the next end of a refreshable access token that still works. */
  readonly nextExpiry: readonly { readonly platform: string; readonly seconds: number }[];
}

/** What of it is pressing, and little. */
export interface Pressing {
  /** Events that are to be worked off, to be sent on, or that did not arrive; and for how long the first one waits. */
  readonly waiting: readonly {
    readonly task: (typeof waitingTasks)[number];
    /** Up to 100,000. */
    readonly count: number;
    readonly oldestSeconds: number;
  }[];
  /** What needs a person. */
  readonly concerns: readonly { readonly platform: string; readonly kind: string; readonly count: number }[];
  /** Since the last round of the health watch ended; undefined: none has. */
  readonly watchedSecondsAgo: number | undefined;
}

/** `failed`: not registered, or not renewed in time; `silent`: registered, and sends nothing; `by_hand`: nobody can tell. */
export type WebhookState = "registered" | "failed" | "silent" | "by_hand" | "waiting";

export interface StatisticsRepository {
  /**
   * Counts with short statements, as many as there are rows for, and not faster than the database has time.
   * @throws ServiceError SERVICE_UNAVAILABLE if the database cannot be reached.
   */
  read(now: Date): Promise<Statistics>;
  /** The same of what is pressing. @throws ServiceError SERVICE_UNAVAILABLE. */
  readPressing(): Promise<Pressing>;
}
