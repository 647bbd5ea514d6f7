import type { EventSubject } from "./platform-event.ts";
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
  /** Undefined: of a platform as a whole. */
  readonly installationId: string | undefined;
  readonly leaseId: string;
  /** How it stood. */
  readonly webhook: Webhook;
  /** What it was registered with, see `AppWebhookOutcome`. */
  readonly mark: string | undefined;
  /** How often in a row it was not registered. */
  readonly failures: number;
  /** Since when it is registered with these ids. */
  readonly registeredSince: Date | undefined;
  readonly deliveredAt: Date | undefined;
  readonly silentSince: Date | undefined;
}

/** What came of a registration. */
export interface WebhookResult {
  readonly webhook: Webhook;
  readonly mark: string | undefined;
  readonly failures: number;
  /** The host whose ids they are. */
  readonly siteHost: string | undefined;
  readonly registeredSince: Date | undefined;
  readonly silentSince: Date | undefined;
  /** When it is to be looked at again. */
  readonly dueAt: Date;
}

/** What is known of a site's webhooks from one of its installations. */
export interface SiteWebhook {
  readonly installationId: string;
  readonly url: string;
  readonly externalIds: readonly string[];
  /** Whether that installation has not ended. */
  readonly live: boolean;
}

export interface WebhookRepository {
  /** Notes the address that is to be entered by hand for all of a platform, and what is missing here. */
  noteByHand(platform: string, url: string, error: string | undefined): Promise<void>;
  /** Takes the webhook that a platform has for all; undefined while another process holds it, or it is not due. */
  takeOfPlatform(
    platform: string,
    lease: WebhookLease & { readonly evenIfNotDue: boolean },
  ): Promise<HeldWebhook | undefined>;
  /** Takes an installation's, due or not; undefined while another process holds it. */
  takeOfInstallation(platform: string, installationId: string, lease: WebhookLease): Promise<HeldWebhook | undefined>;
  /** Takes that of the active installation with this product which was due first. */
  takeDue(platform: string, product: string, lease: WebhookLease): Promise<HeldWebhook | undefined>;
  /**
   * Makes due what was never tried of active installations with this product, among the next few thousand after an id;
   * gives the id to go on after, undefined at the end.
   */
  wakeMissing(platform: string, product: string, now: Date, after: string | undefined): Promise<string | undefined>;
  /** Makes due what has another address, some thousand at once, and of the rest the `most` that were due first. */
  wake(platform: string, url: string, most: number, now: Date): Promise<void>;
  /** Makes due what has another address, and was not looked at for 10 minutes: some thousand at once. */
  wakeElsewhere(platform: string, url: string, now: Date): Promise<void>;
  /** Has those wait that are due and have no token to ask with: some thousand at once. */
  putOff(platform: string, product: string, now: Date): Promise<void>;
  /** Makes due those of the same person's other installations of the same site: they share what one of them did. */
  wakeSharing(installationId: string, now: Date): Promise<void>;
  /** What all installations of a site registered. */
  ofSite(platform: string, site: string): Promise<readonly SiteWebhook[]>;
  /**
   * Notes that an event came for some of these, and so that they are not silent. The site is named by its host or id, and
   * its webhooks by their ids. Never moves the time back.
   */
  noteDelivery(platform: string, of: EventSubject, at: Date): Promise<void>;
  /** Stores what came of it and gives it back; false, storing nothing, if somebody else took it meanwhile. */
  finish(held: HeldWebhook, result: WebhookResult, now: Date): Promise<boolean>;
  /** An ended installation's is looked at no more; `error` says why it is still there. */
  end(installationId: string, error: string | undefined): Promise<void>;
}
