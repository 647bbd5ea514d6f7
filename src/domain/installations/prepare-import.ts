import type { Adoption, EarlierGrant, RowReading } from "../model/earlier-row.ts";
import type { ImportedGrant, ImportedInstallation } from "../model/import-repository.ts";

/** What is stored of a row that was read and is understood, and what there is to say of it. */
export function prepareImport(
  id: string,
  { row, status, createdAt, lastUsedAt, notes }: Extract<RowReading, { kind: "readable" }>,
  { platform, holder, installation, grant }: Extract<Adoption, { kind: "adopted" }>,
  now: Date,
): { readonly installation: ImportedInstallation; readonly note: string | undefined } {
  const madeAt = createdAt !== undefined && createdAt < now ? createdAt : now;
  const life = grant === undefined ? undefined : lifeOf(grant, row.tokenExpiresAt, madeAt, now);
  const isOver = grant?.kind === "long_lived" && life?.expiresAt !== undefined && life.expiresAt <= now;
  const usable = grant === undefined || life === undefined || isOver ? undefined : imported(grant, life, row.scopes);
  const stored = {
    ...{ id, platform, holder, installation, grant: usable, createdAt: madeAt },
    status: usable === undefined ? ("reauthorization_required" as const) : status,
    lastUsedAt: lastUsedAt !== undefined && lastUsedAt < now ? lastUsedAt : undefined,
  };
  const said = [usable === undefined ? whyUseless(isOver ? row.tokenExpiresAt : undefined) : life?.cut, ...notes];
  return { installation: stored, note: said.filter((note) => note !== undefined).join("; ") || undefined };
}

interface Life extends Pick<ImportedGrant, "expiresAt" | "grantExpiresAt"> {
  /** What is said where the row's own time is not believed. */
  readonly cut?: string;
}

/** A time of another zone, or none, must not keep a token alive for longer than any of its kind lives. */
function lifeOf(
  { longestLifeMs, grantLifeMs, accessToken }: EarlierGrant,
  said: Date | undefined,
  madeAt: Date,
  now: Date,
): Life {
  const grantEnd = grantLifeMs === undefined ? undefined : new Date(madeAt.getTime() + grantLifeMs);
  const grantExpiresAt = grantEnd !== undefined && grantEnd > now ? grantEnd : undefined;
  if (longestLifeMs === undefined || accessToken === undefined) return { expiresAt: undefined, grantExpiresAt };
  const longest = new Date(now.getTime() + longestLifeMs);
  if (said !== undefined && said <= longest) return { expiresAt: said, grantExpiresAt };
  const minutes = longestLifeMs / 60_000;
  const cut = `its token_expires_at is later than such a token lives, or of another time zone: it is believed for ${minutes} minutes`;
  return { expiresAt: longest, grantExpiresAt, ...(said !== undefined && { cut }) };
}

function imported(grant: EarlierGrant, { expiresAt, grantExpiresAt }: Life, scopes: readonly string[]): ImportedGrant {
  const { kind, actor, subject, externalUserId, accessToken, refreshToken } = grant;
  return { kind, actor, subject, externalUserId, accessToken, refreshToken, expiresAt, grantExpiresAt, scopes };
}

function whyUseless(endedAt: Date | undefined): string {
  const why =
    endedAt === undefined
      ? "it has no token"
      : `its token ended at ${endedAt.toISOString()}, and it has no refresh token`;
  return `${why}: it asks for reauthorization, so connect it again`;
}
