import { and, eq, inArray, isNotNull, max } from "drizzle-orm";
import type { ConnectionFacts } from "../../domain/health/connection-facts.ts";
import type { Database } from "../database.ts";
import { credentials, installationCredentials, installations, webhooks } from "../schema.ts";

/** See ConcernRepository.facts. */
export async function readFacts(database: Database, ids: readonly string[]): Promise<readonly ConnectionFacts[]> {
  const some = [...ids];
  const [found, grants, registered] = await Promise.all([
    database.read((db) => db.select(installationColumns).from(installations).where(inArray(installations.id, some))),
    database.read((db) =>
      db
        .select(grantColumns)
        .from(installationCredentials)
        .innerJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
        .where(inArray(installationCredentials.installationId, some)),
    ),
    database.read((db) => db.select(webhookColumns).from(webhooks).where(inArray(webhooks.installationId, some))),
  ]);
  const grantsOf = Map.groupBy(grants, ({ installationId }) => installationId);
  const webhookOf = new Map(registered.map((one) => [one.installationId, one]));
  return found.map(({ owner, ...installation }): ConnectionFacts => {
    const webhook = webhookOf.get(installation.id);
    return {
      installation: { ...installation, owner: owner ?? undefined },
      grants: (grantsOf.get(installation.id) ?? []).map((grant) => ({
        ...grant,
        refreshedAt: grant.refreshedAt ?? undefined,
        endsAt: grant.endsAt ?? undefined,
        failingSince: grant.failingSince ?? undefined,
        lastError: grant.lastError ?? undefined,
      })),
      webhook: webhook && {
        silentSince: webhook.silentSince ?? undefined,
        error: webhook.error ?? undefined,
        failures: webhook.failures,
      },
    };
  });
}

/** See ConcernRepository.lastProven. Each is the end of an index. */
export async function readLastProven(
  database: Database,
  platforms: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const { platform, provenAt } = credentials;
  const last = new Map<string, Date>();
  for (const name of platforms) {
    const ofPlatform = and(eq(platform, name), isNotNull(provenAt));
    const [row] = await database.read((db) =>
      db
        .select({ at: max(provenAt) })
        .from(credentials)
        .where(ofPlatform),
    );
    if (row?.at) last.set(name, row.at);
  }
  return last;
}

const installationColumns = {
  id: installations.id,
  platform: installations.platform,
  status: installations.status,
  owner: installations.owner,
  externalOrgId: installations.externalOrgId,
  externalOrgName: installations.externalOrgName,
  permissions: installations.permissions,
  metadata: installations.metadata,
  updatedAt: installations.updatedAt,
};

const grantColumns = {
  installationId: installationCredentials.installationId,
  natural: installationCredentials.natural,
  kind: credentials.kind,
  status: credentials.status,
  refreshedAt: credentials.refreshedAt,
  endsAt: credentials.grantExpiresAt,
  failures: credentials.failures,
  failingSince: credentials.failingSince,
  lastError: credentials.lastError,
};

const webhookColumns = {
  installationId: webhooks.installationId,
  silentSince: webhooks.silentSince,
  error: webhooks.error,
  failures: webhooks.failures,
};
