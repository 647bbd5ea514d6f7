import { and, eq, ne, sql } from "drizzle-orm";
import type { ConnectedCredential } from "../../domain/model/connection.ts";
import type { Actor, TokenSet } from "../../domain/model/credential.ts";
import type { ConnectContext } from "../../domain/model/installation-repository.ts";
import { refreshTime } from "../../domain/model/token.ts";
import { fraction } from "../../domain/refreshing/backoff.ts";
import type { Queries } from "../database.ts";
import { credentials } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { seal, sealingKeyId, tokenColumns } from "./rows.ts";

export interface StoredCredential {
  readonly id: string;
  readonly actor: Actor;
  readonly externalUserId: string | null;
  readonly natural: boolean;
}

/** Stores the grant's new token set: into its live row with a new version if there is one, else into a new row. */
export async function storeCredential(
  tx: Queries,
  connected: ConnectedCredential,
  { platform, owner, now }: ConnectContext,
  tools: { readonly sealer: Sealer; readonly random: (bytes: number) => Buffer; readonly newId: () => string },
): Promise<StoredCredential> {
  const { actor, kind, subject, natural, tokens } = connected;
  const [live] = await tx
    .select({ id: credentials.id })
    .from(credentials)
    .where(
      and(
        eq(credentials.platform, platform),
        // In the words of the unique index.
        sql`coalesce(${credentials.owner}, '') = ${owner ?? ""}`,
        eq(credentials.subject, subject),
        ne(credentials.status, "revoked"),
      ),
    )
    .for("update");
  const id = live?.id ?? tools.newId();
  const externalUserId = connected.externalUserId ?? null;
  const granted = {
    kind,
    actor,
    externalUserId,
    registration: connected.registration ?? null,
    status: "active" as const,
    ...cleared,
    ...(tokens === undefined ? noTokens : freshTokens(id, tokens, tools)),
    refreshedAt: tokens === undefined ? null : now,
  };
  if (live === undefined) {
    const first = {
      id,
      platform,
      owner: owner ?? null,
      subject,
      version: 1,
      scopes: [],
      permissions: {},
      createdAt: now,
    };
    await tx.insert(credentials).values({ ...first, ...granted });
  } else {
    await tx
      .update(credentials)
      .set({ ...granted, version: sql`${credentials.version} + 1` })
      .where(eq(credentials.id, id));
  }
  return { id, actor, externalUserId, natural };
}

/** Whatever belonged to the token set before. */
const cleared = {
  previousRefreshToken: null,
  previousSpentAt: null,
  spareRefreshToken: null,
  attemptId: null,
  attemptAt: null,
  openAttemptAt: null,
  committedAttempt: null,
  leaseUntil: null,
  lookAfter: null,
  failures: 0,
  lastError: null,
  failingSince: null,
  doubtedSince: null,
  refusedBy: null,
  withheld: false,
};

/** The first token is minted on demand, with whatever the organization grants now. */
const noTokens = {
  accessToken: null,
  refreshToken: null,
  keyId: null,
  issuedAt: null,
  expiresAt: null,
  refreshAfter: null,
  grantExpiresAt: null,
};

function freshTokens(
  id: string,
  tokens: TokenSet,
  { sealer, random }: { readonly sealer: Sealer; readonly random: (bytes: number) => Buffer },
) {
  return {
    accessToken: seal(sealer, id, "accessToken", tokens.token.value),
    refreshToken: seal(sealer, id, "refreshToken", tokens.refreshToken),
    keyId: sealingKeyId(sealer),
    grantExpiresAt: null,
    ...tokenColumns(tokens),
    refreshAfter: refreshTime(tokens.token, fraction(random)) ?? null,
  };
}
