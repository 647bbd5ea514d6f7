import type { Secret } from "../../secret.ts";
import type { Recording } from "./audit-event.ts";
import type { ConnectedInstallation } from "./connection.ts";
import type { CredentialIdentity } from "./credential.ts";

/** An installation that comes from elsewhere, with the id that callers know it by. It belongs to no owner. */
export interface ImportedInstallation {
  readonly id: string;
  readonly platform: string;
  readonly holder: "organization" | "person";
  readonly status: "active" | "suspended" | "reauthorization_required";
  readonly installation: ConnectedInstallation;
  readonly grant: ImportedGrant | undefined;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | undefined;
}

export interface ImportedGrant extends CredentialIdentity {
  readonly accessToken: Secret | undefined;
  readonly refreshToken: Secret | undefined;
  readonly expiresAt: Date | undefined;
  readonly grantExpiresAt: Date | undefined;
  readonly scopes: readonly string[];
}

/** Why an installation is not stored. */
export type ImportObstacle =
  /** It is here, from an earlier run or as whatever became of it since. */
  | { readonly kind: "here" }
  /** Its id is another installation's here. */
  | { readonly kind: "id_taken" }
  /** Its organization is connected here as another installation. */
  | { readonly kind: "connected"; readonly id: string };

/** What is here under an id. */
export interface HereAlready {
  readonly platform: string;
  readonly externalOrgId: string;
  readonly isRevoked: boolean;
}

export interface ImportRepository {
  find(id: string): Promise<HereAlready | undefined>;
  /** Why it would not be stored; undefined: it would. */
  findObstacle(installation: ImportedInstallation): Promise<ImportObstacle | undefined>;
  /**
   * Stores it, its tokens sealed, with its rows of the record, in one transaction. Nothing that is here is changed: a
   * grant that is here serves it, too, as it is here.
   */
  store(installation: ImportedInstallation, record: Recording<unknown>): Promise<ImportObstacle | undefined>;
}
