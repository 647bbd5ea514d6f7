import type { Secret } from "../../secret.ts";
import type { ConnectedInstallation } from "./connection.ts";
import type { CredentialIdentity } from "./credential.ts";

/** What a row of an earlier service says of an installation, its tokens opened; undefined: nothing. */
export interface EarlierRow {
  /** What it calls the platform, if that is a product of ours. */
  readonly product: string;
  readonly externalOrgId: string | undefined;
  readonly externalOrgName: string | undefined;
  readonly externalInstallId: string | undefined;
  /** The person, where the token is a person's. No earlier service knew: platforms do. */
  readonly externalUserId: string | undefined;
  readonly installedBy: string | undefined;
  readonly accessToken: Secret | undefined;
  readonly refreshToken: Secret | undefined;
  readonly tokenExpiresAt: Date | undefined;
  readonly scopes: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A grant as it comes over. */
export interface EarlierGrant extends CredentialIdentity {
  readonly accessToken: Secret | undefined;
  readonly refreshToken: Secret | undefined;
  /** The longest that an access token of this kind lives, whatever the row says; undefined: it has no end. */
  readonly longestLifeMs: number | undefined;
  /** How long a grant lives after it was given, however often it is refreshed; undefined: the platform does not say. */
  readonly grantLifeMs?: number;
}

/** What a row is here. */
export type Adoption =
  | {
      readonly kind: "adopted";
      /** The name installations are stored under. */
      readonly platform: string;
      readonly holder: "organization" | "person";
      readonly installation: ConnectedInstallation;
      /** Undefined: the row holds nothing that a token could be had with. */
      readonly grant: EarlierGrant | undefined;
    }
  /** Only the platform knows what is missing, in words that follow "it has no". */
  | { readonly kind: "unidentified"; readonly platform: string; readonly lacks: string }
  /** `why` says what to do. */
  | { readonly kind: "refused"; readonly why: string };

/** Reads a row by what is known of the platform without asking it. */
export type Adopt = (row: EarlierRow) => Adoption;

/** Who reads the rows of a product, and the name its installations are stored under. */
export interface Adopter {
  readonly platform: string;
  readonly adopt: Adopt;
}

/** A row as it was found: `id` is how it is known there, `newId` here. */
export interface FoundRow {
  readonly id: string;
  readonly newId: string;
  readonly product: string;
  readonly reading: RowReading;
}

export type RowReading =
  | {
      readonly kind: "readable";
      readonly row: EarlierRow;
      readonly status: "active" | "suspended";
      readonly createdAt: Date | undefined;
      readonly lastUsedAt: Date | undefined;
      /** What is in it that does not come over, and what counts instead. */
      readonly notes: readonly string[];
    }
  /** It was ended there. */
  | { readonly kind: "ended"; readonly at: Date | undefined }
  /** `organization` tells it from others where that much could be read. `why` says what to do. */
  | { readonly kind: "unreadable"; readonly organization: string | undefined; readonly why: string };

/** What the platform adds to a row. */
export type Identified =
  | {
      readonly kind: "identified";
      readonly facts: Partial<Pick<EarlierRow, "externalOrgId" | "externalOrgName" | "externalUserId" | "permissions">>;
    }
  /** `code` is a word of ours or of the platform's: `several_sites`, `unavailable`. */
  | { readonly kind: "unknown"; readonly code: string };
