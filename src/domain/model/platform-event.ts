import type { Actor } from "./credential.ts";

/** One verified delivery of a platform, read: its word about a moment that has passed. */
export interface PlatformEvent {
  /** Unique within the platform, and the same again when the delivery is repeated. */
  readonly deliveryId: string;
  /** The platform's own name of it: `issues`, `jira:issue_created`, `app_uninstalled`. */
  readonly event: string;
  readonly action: string | undefined;
  readonly about: EventSubject;
  /** What it means for installations; undefined where it is for others alone. */
  readonly news: News | undefined;
  /** When it happened, where the platform says so. */
  readonly happenedAt: Date | undefined;
}

/** Whose event it is, in the platform's ids. All that are given must match; with none, it is nobody's. */
export interface EventSubject {
  readonly externalInstallId?: string | undefined;
  readonly externalOrgId?: string | undefined;
  /** In its place, where nobody is known by that: the platform does not say which of both installed us. */
  readonly orExternalOrgId?: string | undefined;
  /** Ids of our webhooks that it was sent for, where ids are counted by each site: `siteHost` says which one's. */
  readonly webhookIds?: readonly string[] | undefined;
  readonly siteHost?: string | undefined;
}

/** Whom a platform says that a grant has ended for. */
export interface EndedGrant {
  readonly actor: Actor;
  /** Undefined: whoever's it is. */
  readonly externalUserId: string | undefined;
}

/**
 * What may have changed. Trust is lowered at once by what ends or suspends; nothing is ended for good, and none is
 * raised, before the platform was asked.
 */
export type News =
  /** Somebody installed us: not proof of who they are. */
  | { readonly kind: "created" }
  | { readonly kind: "ended" }
  | { readonly kind: "suspended" }
  /** Lifted, renamed, other permissions or repositories: the platform's present word is asked for. */
  | { readonly kind: "changed" }
  | { readonly kind: "grants_ended"; readonly grants: readonly EndedGrant[] };
