/** How a connection ended. */
export type FinalStatus = "connected" | "denied" | "failed" | "expired" | "abandoned";

/** Where a connection is. `blocked`: the browser opened no popup, and the link is still good. */
export type ConnectStatus = "opened" | "blocked" | "at_platform" | "finishing" | FinalStatus;

export interface ConnectOptions {
  /** Where the person connects: the `url` of a CreateInstallLink or, where anyone may, an address of `/oauth/install/…`. */
  readonly link: string | URL;
  /** `redirect` leaves the page for the link; the outcome comes to `return_to` alone. */
  readonly mode?: "popup" | "redirect";
  /** Is told every status, the final one too, before the promise settles. */
  readonly onStatus?: (status: ConnectStatus) => void;
  /** Aborted, it closes the popup and ends this as `abandoned`. */
  readonly signal?: AbortSignal;
}

export interface ConnectResult {
  /** Final, or `blocked`; of a redirect `opened`. */
  readonly status: ConnectStatus;
  /** For CompleteInstall, by the backend that knows its signed-in user: five minutes, once. */
  readonly completionCode?: string;
  /** Why it failed, for programs. */
  readonly reason?: string;
  /** What happened and what the person can do, in sentences. */
  readonly message?: string;
}

/** What the service says of a flow. */
export interface FlowReport {
  readonly status: "at_platform" | "finishing" | FinalStatus;
  /** Whether the popup's page brings a completion code. */
  readonly completion?: boolean;
  readonly reason?: string;
  readonly message?: string;
}

const order: Readonly<Record<FlowReport["status"], number>> = {
  at_platform: 1,
  finishing: 2,
  connected: 3,
  denied: 3,
  failed: 3,
  expired: 3,
  abandoned: 3,
};

/** How far a flow has come: a report of less is old. 0 for a status that this does not know. */
export function progressOf(status: string): number {
  return Object.hasOwn(order, status) ? order[status as FlowReport["status"]] : 0;
}

export function isFinal(status: string): status is FinalStatus {
  return progressOf(status) === order.connected;
}
