import { and, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import type { TokenSet } from "../../domain/model/credential.ts";
import type { CommitOutcome, Lease } from "../../domain/model/credential-repository.ts";
import type { Database, Queries } from "../database.ts";
import { findGrantInUse } from "../installations/grant-in-use.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { accepted, noAttempt, proven } from "./lease.ts";
import { readerColumns, seal, sealingKeyId, toCredential, tokenColumns } from "./rows.ts";

interface Commit {
  readonly lease: Lease;
  readonly tokens: TokenSet;
  readonly refreshAfter: Date | undefined;
  readonly now: Date;
}

/** See CredentialRepository.commit. */
export async function commitTokens(database: Database, commit: Commit, sealer: Sealer): Promise<CommitOutcome> {
  const { lease, tokens } = commit;
  const { id, version } = lease.credential;
  const stored = await database.write((db) => storeTokens(db, commit, sealer));
  if (stored !== undefined) return { kind: "stored", credential: toCredential(stored, sealer) };

  const [row] = await database.read((db) =>
    db
      .select({ ...readerColumns, committedAttempt: credentials.committedAttempt })
      .from(credentials)
      .where(eq(credentials.id, id)),
  );
  if (row === undefined || row.status === "revoked") {
    return { kind: "gone", inUse: await database.read((db) => findGrantInUse(db, lease.credential)) };
  }
  if (row.committedAttempt === lease.attemptId) return { kind: "stored", credential: toCredential(row, sealer) };
  const spare = seal(sealer, id, "spareRefreshToken", tokens.refreshToken);
  // Only a sibling of the very next token set is worth keeping; after a reconnect there is none.
  if (spare !== null && row.version === version + 1 && row.committedAttempt !== null) {
    await database.write((db) => keepSpare(db, lease, spare));
  }
  return { kind: "superseded" };
}

/**
 * Fenced by version alone. A grant that was condemned meanwhile comes back: this answer is newer than the refusal,
 * which the platform gave because this very attempt had spent the token.
 */
async function storeTokens(db: Queries, { lease, tokens, refreshAfter, now }: Commit, sealer: Sealer) {
  const { id, version } = lease.credential;
  const rotated = tokens.refreshToken !== undefined;
  const previous = rotated ? lease.refreshToken : lease.previousRefreshToken;
  const previousSpentAt = rotated && lease.refreshToken !== undefined ? now : lease.previousSpentAt;
  const stored = db.$with("stored").as(
    db
      .update(credentials)
      .set({
        ...noAttempt,
        ...tokenColumns(tokens),
        status: "active",
        version: sql`${credentials.version} + 1`,
        accessToken: seal(sealer, id, "accessToken", tokens.token.value),
        refreshToken: seal(sealer, id, "refreshToken", tokens.refreshToken ?? lease.refreshToken),
        previousRefreshToken: seal(sealer, id, "previousRefreshToken", previous),
        previousSpentAt: previousSpentAt ?? null,
        spareRefreshToken: null,
        keyId: sealingKeyId(sealer),
        refreshAfter: refreshAfter ?? null,
        lookAfter: null,
        openAttemptAt: null,
        committedAttempt: lease.attemptId,
        ...accepted(lease.registration),
        ...proven(now),
        refreshedAt: now,
      })
      .where(
        and(eq(credentials.id, id), eq(credentials.version, version), inArray(credentials.status, ["active", "dead"])),
      )
      .returning({ ...readerColumns, withheld: credentials.withheld }),
  );
  const served = db
    .select({
      id: installations.id,
      revives: sql<boolean>`${installationCredentials.natural} and not ${stored.withheld}`.as("revives"),
    })
    .from(installationCredentials)
    .innerJoin(stored, eq(stored.id, installationCredentials.credentialId))
    .innerJoin(installations, eq(installations.id, installationCredentials.installationId))
    .orderBy(installations.id)
    .for("no key update", { of: installations })
    .as("served");
  const touched = db.$with("touched").as(
    db
      .update(installations)
      .set({
        updatedAt: now,
        ...(tokens.permissions === undefined ? {} : { permissions: tokens.permissions }),
        status: sql`case when ${installations.status} = 'reauthorization_required' and served.revives
          then 'active' else ${installations.status} end`,
      })
      .from(served)
      .where(eq(installations.id, served.id))
      .returning({ id: installations.id }),
  );
  const [row] = await db.with(stored, touched).select().from(stored).prepare("commit_tokens").execute();
  return row;
}

async function keepSpare(db: Queries, { credential: { id, version } }: Lease, spare: string): Promise<void> {
  await db
    .update(credentials)
    .set({ spareRefreshToken: spare })
    .where(
      and(
        eq(credentials.id, id),
        eq(credentials.version, version + 1),
        isNotNull(credentials.committedAttempt),
        isNull(credentials.spareRefreshToken),
      ),
    );
}
