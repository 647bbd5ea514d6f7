import type { ConnectedCredential, ConnectedInstallation, Connection } from "../../domain/model/connection.ts";
import type { TokenSet } from "../../domain/model/credential.ts";
import { Secret } from "../../secret.ts";
import { pendingInstalls } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";

/** Seals what a flow obtained, tokens and all, for the row that keeps it apart. */
export function sealConnection(sealer: Sealer, id: string, connection: Connection): string {
  const { installations, credentials } = connection;
  const written: Written = { installations, credentials: credentials.map(write) };
  return sealer.seal(placeOf(id), new Secret(JSON.stringify(written))).text;
}

/** @throws ServiceError TOKEN_UNREADABLE. */
export function openConnection(sealer: Sealer, id: string, text: string): Connection {
  const { installations, credentials }: Written = JSON.parse(sealer.open(placeOf(id), text).reveal());
  return { installations: installations.map(withAbsent), credentials: credentials.map(read) };
}

/** As JSON: instants as text, and without what is undefined. */
interface Written {
  readonly installations: readonly ConnectedInstallation[];
  readonly credentials: readonly WrittenCredential[];
}

interface WrittenCredential extends Omit<ConnectedCredential, "tokens"> {
  readonly tokens: WrittenTokens | undefined;
}

interface WrittenTokens extends Omit<TokenSet, "token" | "refreshToken" | "grantExpiresAt"> {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly issuedAt: string;
  readonly expiresAt: string | undefined;
  readonly grantExpiresAt: string | undefined;
}

function write({ tokens, ...identity }: ConnectedCredential): WrittenCredential {
  if (tokens === undefined) return { ...identity, tokens };
  const { token, refreshToken, grantExpiresAt, scopes, permissions } = tokens;
  return {
    ...identity,
    tokens: {
      scopes,
      permissions,
      accessToken: token.value.reveal(),
      refreshToken: refreshToken?.reveal(),
      issuedAt: token.issuedAt.toISOString(),
      expiresAt: token.expiresAt?.toISOString(),
      grantExpiresAt: grantExpiresAt?.toISOString(),
    },
  };
}

function read(written: WrittenCredential): ConnectedCredential {
  const { kind, actor, subject, externalUserId, natural, registration, tokens } = written;
  const identity = { kind, actor, subject, externalUserId, natural, registration };
  if (tokens === undefined) return { ...identity, tokens };
  const { accessToken, refreshToken, issuedAt, expiresAt, grantExpiresAt, scopes, permissions } = tokens;
  return {
    ...identity,
    tokens: {
      token: { value: new Secret(accessToken), issuedAt: new Date(issuedAt), expiresAt: instant(expiresAt) },
      refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
      scopes,
      permissions,
      grantExpiresAt: instant(grantExpiresAt),
    },
  };
}

function withAbsent(installation: ConnectedInstallation): ConnectedInstallation {
  const { externalInstallId, externalUserId, installedBy } = installation;
  return { ...installation, externalInstallId, externalUserId, installedBy };
}

function instant(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

function placeOf(row: string) {
  return { table: "pending_installs", row, column: pendingInstalls.connection.name };
}
