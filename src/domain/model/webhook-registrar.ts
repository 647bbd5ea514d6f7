import type { Secret } from "../../secret.ts";
import type { Installation } from "./installation.ts";

/** It is not registered, or nobody knows. Asked again later, whatever the reason. */
export interface RegistrationFailed {
  readonly kind: "failed";
  /** A fixed word of ours: `no_webhook`, `address_refused`, `timeout`. */
  readonly code: string;
  /** Trouble that says nothing about what is registered. */
  readonly passing: boolean;
  /** The platform's own text, for the log alone. */
  readonly said?: string | undefined;
  /** How long the platform wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** Which of the known webhooks are still there; undefined: nobody knows. */
  readonly remaining?: readonly string[] | undefined;
}

export type AppWebhookOutcome =
  /** `mark` names what it was registered with, address and secret, and reveals neither. */
  { readonly kind: "registered"; readonly mark: string; readonly changed: boolean } | RegistrationFailed;

/** One for all installations of a platform. */
export interface AppRegistrar {
  readonly kind: "app";
  /** Changes nothing where the platform shows that it is what `mark` stands for. */
  register(url: string, mark: string | undefined): Promise<AppWebhookOutcome>;
}

export interface SiteRegistration {
  /** The platform's id of the site: the installation's `externalOrgId`. */
  readonly site: string;
  readonly accessToken: Secret;
  readonly url: string;
  /** Ids of ours at this site, whichever installation they are of, and the address that each was registered with. */
  readonly known: ReadonlyMap<string, string>;
  /** What ends before this is renewed. */
  readonly renewBefore: Date;
}

/** Another token is needed; nothing was done. */
export interface TokenRejected {
  readonly kind: "token_rejected";
}

export type SiteWebhookOutcome =
  /** Found on the platform's own list. `changed`: registered anew or renewed by this. */
  | {
      readonly kind: "registered";
      readonly externalIds: readonly string[];
      readonly expiresAt: Date;
      readonly changed: boolean;
    }
  | RegistrationFailed;

/** One for each site, which ends by itself unless it is renewed. */
export interface SiteRegistrar {
  readonly kind: "site";
  /** What an installation must have for events to be sent. */
  readonly product: string;
  /** Which host's ids they are, where the platform says so in its events. */
  hostOf(installation: Pick<Installation, "metadata">): string | undefined;
  /** Leaves one webhook with this address behind, reusing what is there. Safe to repeat. */
  register(request: SiteRegistration): Promise<SiteWebhookOutcome | TokenRejected>;
  remove(
    request: Pick<SiteRegistration, "site" | "accessToken"> & { readonly externalIds: readonly string[] },
  ): Promise<{ readonly kind: "removed" } | TokenRejected | RegistrationFailed>;
}

/** How a platform comes to send events to our address. */
export type WebhookRegistrar =
  /**
   * An operator enters the address at the platform: nobody can tell whether that was done. `lacks`: what keeps us from
   * taking its events all the same, in a fixed word of ours.
   */
  { readonly kind: "by_hand"; readonly lacks?: string } | AppRegistrar | SiteRegistrar;
