import type { InferSelectModel } from "drizzle-orm";
import type { Credential, TokenSet } from "../../domain/model/credential.ts";
import type { GrantInUse } from "../../domain/model/credential-repository.ts";
import type { RevocableCredential } from "../../domain/model/installation-repository.ts";
import { ServiceError } from "../../errors.ts";
import type { Secret } from "../../secret.ts";
import { credentials } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";

type FullRow = InferSelectModel<typeof credentials>;
/** The columns that hold a sealed token. */
export const sealedColumns = {
  accessToken: credentials.accessToken,
  refreshToken: credentials.refreshToken,
  previousRefreshToken: credentials.previousRefreshToken,
  spareRefreshToken: credentials.spareRefreshToken,
};
export type SealedColumn = keyof typeof sealedColumns;

/** What readers need; refresh tokens leave the database only for who refreshes or revokes. `id` first: it is never null. */
export const readerColumns = {
  id: credentials.id,
  platform: credentials.platform,
  kind: credentials.kind,
  actor: credentials.actor,
  subject: credentials.subject,
  externalUserId: credentials.externalUserId,
  status: credentials.status,
  version: credentials.version,
  registration: credentials.registration,
  accessToken: credentials.accessToken,
  issuedAt: credentials.issuedAt,
  expiresAt: credentials.expiresAt,
  refreshAfter: credentials.refreshAfter,
  scopes: credentials.scopes,
  permissions: credentials.permissions,
  failures: credentials.failures,
  lastError: credentials.lastError,
};

export type ReaderRow = Pick<FullRow, keyof typeof readerColumns>;

/** The access token is opened when it is asked for, and only then. */
export function toCredential(row: ReaderRow, sealer: Sealer): Credential {
  return {
    id: row.id,
    platform: row.platform,
    kind: row.kind,
    actor: row.actor,
    subject: row.subject,
    externalUserId: row.externalUserId ?? undefined,
    status: row.status,
    version: row.version,
    registration: row.registration ?? undefined,
    issuedAt: row.issuedAt ?? undefined,
    expiresAt: row.expiresAt ?? undefined,
    refreshAfter: row.refreshAfter ?? undefined,
    scopes: row.scopes,
    permissions: row.permissions,
    failures: row.failures,
    lastError: row.lastError ?? undefined,
    accessToken: () => open(sealer, row.id, "accessToken", row.accessToken),
  };
}

export function toRevocable(
  row: ReaderRow & Pick<FullRow, "refreshToken">,
  inUse: GrantInUse,
  sealer: Sealer,
): RevocableCredential {
  const secrets = () => ({
    accessToken: open(sealer, row.id, "accessToken", row.accessToken),
    refreshToken: open(sealer, row.id, "refreshToken", row.refreshToken),
  });
  return { ...toCredential(row, sealer), inUse, secrets: ifReadable(secrets) };
}

/**
 * Opens one sealed column of a row.
 * @throws ServiceError TOKEN_UNREADABLE.
 */
export function open(sealer: Sealer, id: string, column: SealedColumn, text: string | null): Secret | undefined {
  return text === null ? undefined : sealer.open(placeOf(id, column), text);
}

/** For secrets that one can do without: undefined where no key opens them. */
export function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return undefined;
    throw error;
  }
}

/** Seals one column of a row; null stays null. */
export function seal(sealer: Sealer, id: string, column: SealedColumn, value: Secret | undefined): string | null {
  return value === undefined ? null : sealer.seal(placeOf(id, column), value).text;
}

/** The key that seals now. */
export function sealingKeyId(sealer: Sealer): string | null {
  return sealer.keyIds[0] ?? null;
}

/** The columns that follow from a token set alone. What the set leaves out is left as it is. */
export function tokenColumns(tokens: TokenSet) {
  return {
    issuedAt: tokens.token.issuedAt,
    expiresAt: tokens.token.expiresAt ?? null,
    ...(tokens.scopes === undefined ? {} : { scopes: [...tokens.scopes] }),
    ...(tokens.permissions === undefined ? {} : { permissions: tokens.permissions }),
    ...(tokens.grantExpiresAt === undefined ? {} : { grantExpiresAt: tokens.grantExpiresAt }),
  };
}

function placeOf(id: string, column: SealedColumn) {
  return { table: "credentials", row: id, column: credentials[column].name };
}
