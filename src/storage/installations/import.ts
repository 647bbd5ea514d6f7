import { and, eq, isNull, ne, sql } from "drizzle-orm";
import type {
  HereAlready,
  ImportedInstallation,
  ImportObstacle,
  ImportRepository,
} from "../../domain/model/import-repository.ts";
import { refreshTime } from "../../domain/model/token.ts";
import { fraction } from "../../domain/refreshing/backoff.ts";
import { isLive } from "../conditions.ts";
import { seal, sealingKeyId } from "../credentials/rows.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations } from "../schema.ts";
import { factsOf } from "./connect.ts";
import { lockGrants } from "./grant-lock.ts";
import type { InstallationTools } from "./repository.ts";

export function createImportRepository({ database, recorded, ...tools }: InstallationTools): ImportRepository {
  return {
    find: (id) => database.read((db) => find(db, id)),
    findObstacle: (imported) => database.read((db) => findObstacle(db, imported)),
    store: (imported, record) =>
      recorded(
        (tx) => store(tx, imported, tools),
        (obstacle) => (obstacle === undefined ? record(undefined) : []),
      ),
  };
}

async function store(
  tx: Queries,
  imported: ImportedInstallation,
  tools: Omit<InstallationTools, "database" | "recorded">,
): Promise<ImportObstacle | undefined> {
  const { id, platform, installation, grant, status, createdAt, lastUsedAt } = imported;
  const { externalOrgId, externalUserId = null } = installation;
  const subjects = grant === undefined ? [] : [grant.subject];
  await lockGrants(tx, { platform, owner: undefined, orgIds: [externalOrgId], subjects });
  const obstacle = await findObstacle(tx, imported);
  if (obstacle !== undefined) return obstacle;
  const identity = { id, platform, owner: null, externalOrgId, externalUserId, status };
  const times = { createdAt, updatedAt: tools.now(), lastUsedAt: lastUsedAt ?? null };
  await tx.insert(installations).values({ ...factsOf(installation), ...identity, ...times });
  if (grant !== undefined) {
    const credentialId =
      (await findGrant(tx, platform, grant.subject)) ?? (await insertGrant(tx, platform, grant, tools));
    const { actor, externalUserId: person = null } = grant;
    await tx
      .insert(installationCredentials)
      .values({ installationId: id, credentialId, actor, natural: true, externalUserId: person });
  }
  return undefined;
}

async function find(db: Queries, id: string): Promise<HereAlready | undefined> {
  const { platform, externalOrgId, status } = installations;
  const [here] = await db
    .select({ platform, externalOrgId, status })
    .from(installations)
    .where(eq(installations.id, id));
  return here && { platform: here.platform, externalOrgId: here.externalOrgId, isRevoked: here.status === "revoked" };
}

async function findObstacle(db: Queries, imported: ImportedInstallation): Promise<ImportObstacle | undefined> {
  const { id, platform, holder, installation } = imported;
  const { externalOrgId } = installation;
  const here = await find(db, id);
  if (here !== undefined) {
    const isSame = here.platform === platform && here.externalOrgId === externalOrgId;
    return { kind: isSame ? "here" : "id_taken" };
  }
  const [connected] = await db
    .select({ id: installations.id })
    .from(installations)
    .where(
      and(
        eq(installations.platform, platform),
        eq(installations.externalOrgId, externalOrgId),
        // An organization has one owner; a person's grant is beside those of other owners.
        holder === "organization" ? undefined : isNull(installations.owner),
        isLive,
      ),
    )
    .limit(1);
  return connected === undefined ? undefined : { kind: "connected", id: connected.id };
}

async function findGrant(tx: Queries, platform: string, subject: string): Promise<string | undefined> {
  const [live] = await tx
    .select({ id: credentials.id })
    .from(credentials)
    .where(
      and(
        eq(credentials.platform, platform),
        // In the words of the unique index.
        sql`coalesce(${credentials.owner}, '') = ''`,
        eq(credentials.subject, subject),
        ne(credentials.status, "revoked"),
      ),
    );
  return live?.id;
}

async function insertGrant(
  tx: Queries,
  platform: string,
  grant: NonNullable<ImportedInstallation["grant"]>,
  { sealer, random, newId, now }: Omit<InstallationTools, "database" | "recorded">,
): Promise<string> {
  const { kind, actor, subject, externalUserId = null, accessToken, refreshToken, scopes, ...times } = grant;
  const { expiresAt = null, grantExpiresAt = null } = times;
  const id = newId();
  const at = now();
  // It was refreshed before its token ended: from then on it rests, and would die of disuse if nobody knew since when.
  const restsSince = kind !== "rotating" ? undefined : expiresAt !== null && expiresAt < at ? expiresAt : at;
  const holdsSecret = accessToken !== undefined || refreshToken !== undefined;
  await tx.insert(credentials).values({
    ...{ id, platform, owner: null, kind, actor, subject, externalUserId, status: "active", version: 1, failures: 0 },
    accessToken: seal(sealer, id, "accessToken", accessToken),
    refreshToken: seal(sealer, id, "refreshToken", refreshToken),
    keyId: holdsSecret ? sealingKeyId(sealer) : null,
    // When it was given nobody knows.
    ...{ issuedAt: null, expiresAt, grantExpiresAt },
    refreshAfter: refreshTime({ issuedAt: at, expiresAt: expiresAt ?? restsSince }, fraction(random)) ?? null,
    refreshedAt: restsSince ?? null,
    ...{ scopes: [...scopes], permissions: {}, createdAt: at },
  });
  return id;
}
