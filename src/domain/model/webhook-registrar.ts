/** It is not registered, or nobody knows. Asked again later, whatever the reason. */
export interface RegistrationFailed {
  readonly kind: "failed";
  /** A fixed word of ours: `no_webhook`, `address_refused`, `timeout`. */
  readonly code: string;
  /** The platform's own text, for the log alone. */
  readonly said?: string | undefined;
  /** How long the platform wants to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

export type AppWebhookOutcome =
  /** `mark` names what it was registered with, address and secret, and reveals neither. */
  { readonly kind: "registered"; readonly mark: string; readonly changed: boolean } | RegistrationFailed;

/** How a platform comes to send events to our address. */
export type WebhookRegistrar =
  /**
   * An operator enters the address at the platform: nobody can tell whether that was done. `lacks`: what keeps us from
   * taking its events all the same, in a fixed word of ours.
   */
  | { readonly kind: "by_hand"; readonly lacks?: string }
  /** One for all installations. Nothing is changed where the platform shows that it is what `mark` stands for. */
  | { readonly kind: "app"; readonly register: (url: string, mark: string | undefined) => Promise<AppWebhookOutcome> };
