import type { CredentialKind, CredentialStatus } from "../model/credential.ts";
import type { Installation } from "../model/installation.ts";

/** What there is to judge a connection by. */
export interface ConnectionFacts {
  readonly installation: Pick<
    Installation,
    | "id"
    | "platform"
    | "status"
    | "owner"
    | "externalOrgId"
    | "externalOrgName"
    | "permissions"
    | "metadata"
    | "updatedAt"
  >;
  /** What serves it. */
  readonly grants: readonly GrantFacts[];
  /** Its own; undefined where the platform has one for all, or none. */
  readonly webhook: WebhookFacts | undefined;
}

export interface GrantFacts {
  readonly kind: CredentialKind;
  readonly status: CredentialStatus;
  /** Whether it serves callers that name no actor. */
  readonly natural: boolean;
  readonly refreshedAt: Date | undefined;
  /** When the platform said that it ends. */
  readonly endsAt: Date | undefined;
  /** In a row. */
  readonly failures: number;
  readonly failingSince: Date | undefined;
  readonly lastError: string | undefined;
}

export interface WebhookFacts {
  readonly silentSince: Date | undefined;
  /** Why it is not registered. */
  readonly error: string | undefined;
  /** Registrations in a row that failed. */
  readonly failures: number;
}
