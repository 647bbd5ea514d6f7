import { and, desc, eq, isNull, notInArray, or, type Placeholder, type SQL, sql } from "drizzle-orm";
import { LRUCache } from "lru-cache";
import type { Visibility } from "../../domain/access/access.ts";
import type { Selection, Selector } from "../../domain/model/installation-repository.ts";
import { perObject } from "../../work/per-object.ts";
import { isVisible } from "../conditions.ts";
import { readerColumns, toCredential } from "../credentials/rows.ts";
import type { Queries } from "../database.ts";
import { knownLimit } from "../known-limit.ts";
import { credentials, installationCredentials, installationProducts, installations } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { isUuid } from "../uuid.ts";
import { hasProduct, orderOfProducts } from "./products.ts";

/** Shapes of the statement that are kept: those of callers with rules of their own among them. */
const maxShapes = 200;

export type SelectInstallations = (
  db: Queries,
  selector: Selector,
  visible: Visibility,
  limit: number,
) => Promise<readonly Selection[]>;

/**
 * The one statement of the path on which tokens are read. Building it costs several times what running it does, so that
 * it is built once for what is given in a selector, for what may be seen, and for each pool of connections.
 */
export function createSelectInstallations(sealer: Sealer): SelectInstallations {
  const builtFor = perObject((_: Queries) => new LRUCache<string, ReturnType<typeof build>>({ max: maxShapes }));

  return async (db, selector, visible, limit) => {
    if (selector.installationId !== undefined && !isUuid(selector.installationId)) return [];
    const built = builtFor(db);
    const shape = `${shapeOf(selector)} ${limit} ${textOf(visible.rules)}`;
    let statement = built.get(shape);
    if (statement === undefined) {
      statement = build(db, selector, visible, limit);
      built.set(shape, statement);
    }
    const rows = await statement.execute({ ...selector });
    return rows.map((row) => toSelection(row, sealer));
  };
}

/** Its values are the selector, given to it when it is executed. */
function build(db: Queries, selector: Selector, visible: Visibility, limit: number) {
  const product = namesProductAlone(selector);
  const { createdAt, id } = product ? orderOfProducts : installations;
  const query = selections(db, selector);
  if (product) query.innerJoin(installationProducts, hasProduct(sql.placeholder("platform")));
  return query
    .where(and(matches(selector), isVisible(visible)))
    .orderBy(desc(createdAt), desc(id), installationCredentials.credentialId)
    .limit(knownLimit(limit))
    .prepare("select_installations");
}

const selectorFields = [
  ...(["installationId", "platform", "externalOrgId", "externalInstallId"] as const),
  ...(["owner", "actor", "externalUserId"] as const),
] satisfies readonly (keyof Selector)[];

/** Whether an installation is named by our id and nothing else. */
export function namesIdAlone(selector: Selector): selector is Selector & { readonly installationId: string } {
  return selectorFields.every((name) => (selector[name] !== undefined) === (name === "installationId"));
}

/** Which of its fields are given. */
function shapeOf(selector: Selector): string {
  return selectorFields.map((name) => (selector[name] === undefined ? "0" : "1")).join("");
}

/** Of the rules themselves: a statement is never found under a name that two visibilities might share. */
export const textOf = perObject((rules: Visibility["rules"]) => JSON.stringify(rules));

type SelectionRow = Awaited<ReturnType<ReturnType<typeof build>["execute"]>>[number];

const installationColumns = {
  id: installations.id,
  platform: installations.platform,
  products: installations.products,
  status: installations.status,
  owner: installations.owner,
  externalOrgId: installations.externalOrgId,
  externalInstallId: installations.externalInstallId,
  externalUserId: installations.externalUserId,
  permissions: installations.permissions,
  withheld: installations.withheld,
};

/** What a selection is made of. */
export const selectionColumns = {
  installation: installationColumns,
  credential: readerColumns,
  grantWithheld: credentials.withheld,
};

/** Installations with the credentials that would serve. */
function selections(db: Queries, selector: Selector) {
  return db
    .select(selectionColumns)
    .from(installations)
    .leftJoin(installationCredentials, serves(selector))
    .leftJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .$dynamic();
}

export function toSelection({ installation: row, credential, grantWithheld }: SelectionRow, sealer: Sealer): Selection {
  const { withheld, ...installation } = row;
  return {
    withheld: withheld ? "installation" : grantWithheld === true ? "grant" : undefined,
    installation: {
      ...installation,
      owner: installation.owner ?? undefined,
      externalInstallId: installation.externalInstallId ?? undefined,
      externalUserId: installation.externalUserId ?? undefined,
    },
    credential: credential === null ? undefined : toCredential(credential, sealer),
  };
}

/** Then the product's own index leads to it; otherwise something that fewer installations share. */
function namesProductAlone({ installationId, platform, externalOrgId, externalInstallId, owner }: Selector): boolean {
  const others = [installationId, externalOrgId, externalInstallId, owner];
  return platform !== undefined && others.every((key) => key === undefined);
}

/** Which of the installation's credentials would serve. */
function serves(selector: Selector): SQL | undefined {
  return and(
    eq(installationCredentials.installationId, installations.id),
    given(selector, "actor", (actor) => eq(installationCredentials.actor, actor)) ?? installationCredentials.natural,
    given(selector, "externalUserId", (id) => eq(installationCredentials.externalUserId, id)),
  );
}

function matches(selector: Selector): SQL | undefined {
  return and(
    given(selector, "installationId", (id) => eq(installations.id, id)) ??
      notInArray(installations.status, ["revoked", "pending"]),
    given(selector, "platform", (platform) => sql`${platform} = any (${installations.products})`),
    given(selector, "externalOrgId", (id) => eq(installations.externalOrgId, id)),
    given(selector, "externalInstallId", (id) => eq(installations.externalInstallId, id)),
    given(selector, "owner", (owner) => eq(installations.owner, owner)),
    // A person's own installation is theirs alone; an organization's may serve any of its people.
    given(selector, "externalUserId", (id) =>
      or(isNull(installations.externalUserId), eq(installations.externalUserId, id)),
    ),
  );
}

/** A condition on a field of the selector; undefined if that is not given. */
function given(
  selector: Selector,
  name: keyof Selector,
  condition: (value: Placeholder) => SQL | undefined,
): SQL | undefined {
  return selector[name] === undefined ? undefined : condition(sql.placeholder(name));
}
