import { and, arrayContains, desc, eq, isNull, notInArray, or, type SQL } from "drizzle-orm";
import type { Visibility } from "../../domain/access/access.ts";
import type { Selection, Selector } from "../../domain/model/installation-repository.ts";
import { readerColumns, toCredential } from "../credentials/rows.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installationProducts, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { hasProduct, orderOfProducts } from "./products.ts";
import { isVisible } from "./visible.ts";

/** The one statement of the path on which tokens are read. */
export async function selectInstallations(
  db: Queries,
  selector: Selector,
  visible: Visibility,
  limit: number,
  sealer: Sealer,
): Promise<readonly Selection[]> {
  if (selector.installationId !== undefined && !isUuid(selector.installationId)) return [];
  const product = namesProductAlone(selector) ? selector.platform : undefined;
  const { createdAt, id } = product === undefined ? installations : orderOfProducts;
  const query = db
    .select({ installation: selectionColumns, credential: readerColumns })
    .from(installations)
    .leftJoin(installationCredentials, serves(selector))
    .leftJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .$dynamic();
  if (product !== undefined) query.innerJoin(installationProducts, hasProduct(product));
  const rows = await query
    .where(and(matches(selector), isVisible(visible)))
    .orderBy(desc(createdAt), desc(id), installationCredentials.credentialId)
    .limit(limit)
    .prepare("select_installations")
    .execute();
  return rows.map(({ installation, credential }) => ({
    installation: {
      ...installation,
      owner: installation.owner ?? undefined,
      externalInstallId: installation.externalInstallId ?? undefined,
      externalUserId: installation.externalUserId ?? undefined,
    },
    credential: credential === null ? undefined : toCredential(credential, sealer),
  }));
}

const selectionColumns = {
  id: installations.id,
  platform: installations.platform,
  products: installations.products,
  status: installations.status,
  owner: installations.owner,
  externalOrgId: installations.externalOrgId,
  externalInstallId: installations.externalInstallId,
  externalUserId: installations.externalUserId,
  permissions: installations.permissions,
};

/** Then the product's own index leads to it; otherwise something that fewer installations share. */
function namesProductAlone({ installationId, externalOrgId, externalInstallId, owner }: Selector): boolean {
  return [installationId, externalOrgId, externalInstallId, owner].every((key) => key === undefined);
}

/** Which of the installation's credentials would serve. */
function serves({ actor, externalUserId }: Selector): SQL | undefined {
  return and(
    eq(installationCredentials.installationId, installations.id),
    actor === undefined ? installationCredentials.natural : eq(installationCredentials.actor, actor),
    externalUserId === undefined ? undefined : eq(installationCredentials.externalUserId, externalUserId),
  );
}

function matches(selector: Selector): SQL | undefined {
  const { installationId, platform, externalOrgId, externalInstallId, owner, externalUserId } = selector;
  return and(
    installationId === undefined
      ? notInArray(installations.status, ["revoked", "pending"])
      : eq(installations.id, installationId),
    platform === undefined ? undefined : arrayContains(installations.products, [platform]),
    externalOrgId === undefined ? undefined : eq(installations.externalOrgId, externalOrgId),
    externalInstallId === undefined ? undefined : eq(installations.externalInstallId, externalInstallId),
    owner === undefined ? undefined : eq(installations.owner, owner),
    // A person's own installation is theirs alone; an organization's may serve any of its people.
    externalUserId === undefined
      ? undefined
      : or(isNull(installations.externalUserId), eq(installations.externalUserId, externalUserId)),
  );
}
