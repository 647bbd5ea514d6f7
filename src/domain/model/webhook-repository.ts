import type { Webhook } from "./webhook.ts";

/** By the database's clock: a holder that is gone is not waited for any longer than `leaseMs`. */
export interface WebhookLease {
  readonly id: string;
  readonly leaseMs: number;
  readonly now: Date;
}

/** A webhook held for one registration: its holder alone asks the platform. */
export interface HeldWebhook {
  readonly subject: string;
  readonly leaseId: string;
  /** How it stood. */
  readonly webhook: Webhook;
  /** What it was registered with, see `AppWebhookOutcome`. */
  readonly mark: string | undefined;
  /** How often in a row it was not registered. */
  readonly failures: number;
}

/** What came of a registration. */
export interface WebhookResult {
  readonly webhook: Webhook;
  readonly mark: string | undefined;
  /** When it is to be looked at again. */
  readonly dueAt: Date;
}

export interface WebhookRepository {
  /** Notes the address that is to be entered by hand for all of a platform, and what is missing here. */
  noteByHand(platform: string, url: string, error: string | undefined): Promise<void>;
  /** Takes the webhook that a platform has for all; undefined while another process holds it, or it is not due. */
  takeOfPlatform(
    platform: string,
    lease: WebhookLease & { readonly evenIfNotDue: boolean },
  ): Promise<HeldWebhook | undefined>;
  /** Stores what came of it and gives it back; false, storing nothing, if somebody else took it meanwhile. */
  finish(held: HeldWebhook, result: WebhookResult, now: Date): Promise<boolean>;
}
