import { and, eq, inArray, sql } from "drizzle-orm";
import type { ConnectedInstallation, Connection } from "../../domain/model/connection.ts";
import type { Installation } from "../../domain/model/installation.ts";
import type { ConnectContext } from "../../domain/model/installation-repository.ts";
import { ServiceError } from "../../errors.ts";
import { isLive, same } from "../conditions.ts";
import { type StoredCredential, storeCredential } from "../credentials/store.ts";
import type { Queries } from "../database.ts";
import { installations, type StoredQuestion } from "../schema.ts";
import type { Sealer } from "../seal/sealer.ts";
import { lockGrants } from "./grant-lock.ts";
import { toInstallation, viewInstallations } from "./rows.ts";
import { linkCredentials, unlinkElsewhere } from "./serving.ts";

export interface ConnectTools {
  readonly sealer: Sealer;
  readonly random: (bytes: number) => Buffer;
  readonly newId: () => string;
  /** The id of an installation that is stored anew; `newId` where this gives none. */
  readonly idOf?: ((installation: ConnectedInstallation) => string | undefined) | undefined;
}

/** Stores a finished flow; to be run in a transaction. See InstallationRepository.connect. */
export async function connect(
  tx: Queries,
  connection: Connection,
  context: ConnectContext,
  tools: ConnectTools,
): Promise<readonly Installation[]> {
  const { platform, owner } = context;
  const orgIds = connection.installations.map((installation) => installation.externalOrgId);
  const subjects = connection.credentials.map((credential) => credential.subject);
  await lockGrants(tx, { platform, owner, orgIds, subjects });
  if (context.holder === "organization") await refuseIfTaken(tx, orgIds, context);

  const stored: StoredCredential[] = [];
  for (const credential of connection.credentials) {
    stored.push(await storeCredential(tx, credential, context, tools));
  }
  const ids: string[] = [];
  for (const installation of connection.installations) {
    const id = await storeInstallation(tx, installation, context, tools);
    await linkCredentials(tx, id, stored);
    ids.push(id);
  }
  if (context.holder === "person") await unlinkElsewhere(tx, stored, ids, context.now);

  const rows = await viewInstallations(tx).where(inArray(installations.id, ids));
  const found = new Map(rows.map((row) => [row.installation.id, toInstallation(row)]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** What the platform said of an installation, in columns. */
export function factsOf(connected: ConnectedInstallation) {
  return {
    products: [...connected.products],
    externalOrgName: connected.externalOrgName,
    externalInstallId: connected.externalInstallId ?? null,
    scopes: [...connected.scopes],
    permissions: connected.permissions,
    installedBy: connected.installedBy ?? null,
    metadata: connected.metadata,
  };
}

/** @throws ServiceError INSTALLATION_TAKEN: an organization has one owner, whichever of its installations is meant. */
export async function refuseIfTaken(
  tx: Queries,
  orgIds: readonly string[],
  context: Pick<ConnectContext, "platform" | "owner">,
): Promise<void> {
  const { platform, owner } = context;
  const [taken] = await tx
    .select({ name: installations.externalOrgName })
    .from(installations)
    .where(
      and(
        eq(installations.platform, platform),
        inArray(installations.externalOrgId, [...orgIds]),
        isLive,
        sql`${installations.owner} is distinct from ${owner ?? null}`,
      ),
    )
    .limit(1);
  if (taken === undefined) return;
  throw new ServiceError(
    "INSTALLATION_TAKEN",
    `${platform} is already connected to ${taken.name} by another owner: the operator can revoke that installation`,
    { metadata: { platform } },
  );
}

async function storeInstallation(
  tx: Queries,
  connected: ConnectedInstallation,
  { platform, holder, owner, now }: ConnectContext,
  { newId, idOf }: ConnectTools,
): Promise<string> {
  const { externalOrgId, externalInstallId = null, externalUserId = null } = connected;
  const status = connected.suspended ? ("suspended" as const) : ("active" as const);
  const facts = { ...factsOf(connected), status, updatedAt: now };
  const update = async (person: string | null) => {
    const [updated] = await tx
      .update(installations)
      .set({ ...facts, externalUserId, ...reconnected(now, newId()) })
      .where(
        and(
          eq(installations.platform, platform),
          eq(installations.externalOrgId, externalOrgId),
          // Installing again after an uninstall gives a new id there; it is the same organization here.
          holder === "organization" ? undefined : same(installations.externalInstallId, externalInstallId),
          same(installations.externalUserId, person),
          same(installations.owner, owner ?? null),
          isLive,
        ),
      )
      .returning({ id: installations.id });
    return updated?.id;
  };
  // Whoever connects next takes the place of a person whom nobody knew.
  const updated = (await update(externalUserId)) ?? (externalUserId === null ? undefined : await update(null));
  if (updated !== undefined) return updated;

  const id = idOf?.(connected) ?? newId();
  const identity = { id, platform, owner: owner ?? null, externalOrgId, externalUserId };
  await tx.insert(installations).values({ ...identity, ...facts, createdAt: now, connectedAt: now });
  return id;
}

/** What the platform told before is no reason any more to hand out nothing; it is asked all the same, at once. */
function reconnected(now: Date, questionId: string) {
  const { question, askAfter } = installations;
  const again: StoredQuestion = { id: questionId, about: "changed", tries: 0, contradicted: false };
  return {
    connectedAt: now,
    withheld: false,
    question: sql`case when ${question} is not null then ${JSON.stringify(again)}::jsonb end`,
    askAfter: sql`case when ${question} is not null then clock_timestamp() else ${askAfter} end`,
  };
}
