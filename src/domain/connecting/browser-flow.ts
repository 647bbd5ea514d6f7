import type { Secret } from "../../secret.ts";
import type { InstallFailure, LinkFailure } from "../model/install-failure.ts";
import type { Installation } from "../model/installation.ts";

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
  /** The flow that a product's page watches, hashed. */
  readonly flow?: string | undefined;
}

/**
 * Begins a browser flow.
 * @throws ServiceError INVALID_REQUEST for a platform nobody knows, PLATFORM_NOT_CONFIGURED, SERVICE_UNAVAILABLE.
 */
export type StartInstall = (request: StartRequest) => Promise<StartedAttempt>;

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
  /** The flow that a product's page watches, hashed. */
  readonly flow?: string | undefined;
}) => Promise<
  | { readonly kind: "started"; readonly attempt: StartedAttempt }
  /** The link wants the person to see this first; nothing is spent. */
  | {
      readonly kind: "unconfirmed";
      readonly caller: string;
      readonly owner: string | undefined;
      readonly returnTo?: string | undefined;
    }
  | {
      readonly kind: "refused";
      readonly failure: LinkFailure;
      /** Where the link would lead back to; undefined: nowhere, or nowhere any more. */
      readonly returnTo?: string | undefined;
    }
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

/** An attempt in a popup that a product's page watches: its result is told to that page. */
export interface WatchedAttempt {
  readonly returnTo: string | undefined;
  /** As of a connection. */
  readonly fromLink: boolean;
}

/** `watched`: undefined where nobody watches, or where nobody can tell whose attempt it was. */
export type FinishOutcome = { readonly watched?: WatchedAttempt | undefined } & FinishedOutcome;

type FinishedOutcome =
  | {
      readonly kind: "connected";
      readonly installations: readonly Installation[];
      readonly returnTo: string | undefined;
      /** Whether a link named `returnTo`: then it was checked against more than the service's own allowed origins. */
      readonly fromLink: boolean;
      /** The cookie that has served its purpose. */
      readonly bindingName: string;
      /** The link code that this was for; undefined: none. */
      readonly linkCodeId?: string | undefined;
    }
  /** Kept apart until the owner completes it: this browser alone takes the completion code back to the product. */
  | {
      readonly kind: "pending";
      readonly installations: readonly Installation[];
      /** With the code in its query. */
      readonly continueAt: Secret;
      readonly completionCode: Secret;
      readonly bindingName: string;
    }
  /** One more leg: the browser has to pass the platform's authorization page. */
  | { readonly kind: "continue"; readonly next: StartedAttempt }
  | {
      readonly kind: "failed";
      readonly failure: InstallFailure;
      readonly platform: string;
      /** The link code that this was for, which is good for another try unless it has ended; undefined: none. */
      readonly linkCodeId?: string | undefined;
    };
