import type { Secret } from "../../secret.ts";
import type { Installation } from "./installation.ts";

/** A browser round trip that has begun: where to send the browser, and what binds the attempt to it. */
export interface StartedAttempt {
  readonly redirectTo: URL;
  readonly binding: BrowserBinding;
}

/** Goes into a cookie of its own, so that two tabs do not disturb each other. */
export interface BrowserBinding {
  /** Cookie name without prefix; follows from the state, so the callback can find it. */
  readonly name: string;
  readonly value: Secret;
  readonly maxAgeSeconds: number;
}

export interface StartRequest {
  /** A platform name as callers use it: `confluence` starts the flow of `jira`. */
  readonly platform: string;
  readonly owner: string | undefined;
  /** Already checked against the allowed origins. */
  readonly returnTo: string | undefined;
}

/**
 * Begins a browser flow.
 * @throws ServiceError INVALID_REQUEST for a platform nobody knows, PLATFORM_NOT_CONFIGURED, SERVICE_UNAVAILABLE.
 */
export type StartInstall = (request: StartRequest) => Promise<StartedAttempt>;

/** Why a link begins nothing. */
export type LinkFailure =
  | "link_required"
  | "link_expired"
  | "link_already_used"
  /** Whoever made it may not make such a link any more. */
  | "link_withdrawn"
  | "return_to_not_allowed";

/**
 * Begins the browser flow that a link stands for, once per link.
 * @throws ServiceError INVALID_REQUEST for a platform nobody knows, PLATFORM_NOT_CONFIGURED, SERVICE_UNAVAILABLE.
 */
export type StartFromLink = (request: {
  /** A platform name as callers use it. */
  readonly platform: string;
  readonly link: Secret;
  /** Whether the person has seen who asks, for whom. */
  readonly confirmed: boolean;
}) => Promise<
  | { readonly kind: "started"; readonly attempt: StartedAttempt }
  /** The link wants the person to see this first; nothing is spent. */
  | { readonly kind: "unconfirmed"; readonly caller: string; readonly owner: string | undefined }
  | { readonly kind: "refused"; readonly failure: LinkFailure }
>;

export interface FinishRequest {
  /** From the route: the platform whose callback this is. */
  readonly platform: string;
  readonly query: URLSearchParams;
  /** Looks a binding up by its cookie name (without prefix). */
  readonly binding: (name: string) => string | undefined;
  /** The values of all bindings that this browser sent. */
  readonly bindings: () => readonly string[];
  /** Whether a callback that no attempt of ours started may begin one (`INSTALL_MODE=open`). */
  readonly mayStart: boolean;
  /** The peer's address, for the record. */
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
}

/** Finishes a browser flow, exactly once per state. Never throws for what an outsider or a platform did. */
export type FinishInstall = (request: FinishRequest) => Promise<FinishOutcome>;

export type FinishOutcome =
  | {
      readonly kind: "connected";
      readonly installations: readonly Installation[];
      readonly returnTo: string | undefined;
      /** Whether a link named `returnTo`: then it was checked against more than the service's own allowed origins. */
      readonly fromLink: boolean;
      /** The cookie that has served its purpose. */
      readonly bindingName: string;
    }
  /** Kept apart until the owner completes it: this browser alone takes the completion code back to the product. */
  | {
      readonly kind: "pending";
      readonly installations: readonly Installation[];
      /** With the code in its query. */
      readonly continueAt: Secret;
      readonly bindingName: string;
    }
  /** One more leg: the browser has to pass the platform's authorization page. */
  | { readonly kind: "continue"; readonly next: StartedAttempt }
  | { readonly kind: "failed"; readonly failure: InstallFailure; readonly platform: string };

/** Why a flow did not end in an installation. Each has a page that says what the person can do. */
export type InstallFailure =
  | "denied"
  | "approval_pending"
  | "state_missing"
  | "state_unknown"
  | "state_expired"
  | "state_already_used"
  | "state_other_platform"
  | "state_other_browser"
  | "malformed_callback"
  | "wrong_issuer"
  | "code_rejected"
  | "installation_not_yours"
  | "installation_not_administered"
  | "installation_missing"
  | "installation_taken"
  | "unverified_email"
  | "no_sites"
  | "provider_unavailable"
  | "provider_rate_limited"
  | "provider_misconfigured"
  | "platform_unknown"
  | "platform_not_configured"
  | LinkFailure
  | "reconnected_other"
  | "service_unavailable"
  | "internal_error";
