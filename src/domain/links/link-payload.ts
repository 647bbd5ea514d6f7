import type { Secret } from "../../secret.ts";
import type { Installation } from "../model/installation.ts";

/** What the holder of a poll or account secret is given. */
export interface LinkPayload {
  readonly accessToken: Secret;
  readonly tokenType: string;
  readonly expiresAt: Date | undefined;
  readonly scopes: readonly string[];
  readonly accountId: string;
  /** Once, with the first payload. */
  readonly accountSecret: Secret | undefined;
  readonly apiBaseUrl: string;
  /** What the account reaches. The token is for the first of them. */
  readonly installations: readonly Installation[];
  /** Names the token without revealing it. */
  readonly tokenId: string;
}
