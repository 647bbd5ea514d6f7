import { and, eq, type InferSelectModel } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Installation } from "../../domain/model/installation.ts";
import type { Queries } from "../database.ts";
import { credentials, installationCredentials, installations, type UnseenColumn, webhooks } from "../schema.ts";
import { toWebhook, type WebhookColumns, webhookColumns, webhookError } from "../webhooks/shown-webhook.ts";

type InstallationRow = InferSelectModel<typeof installations>;

/** What an installation shows of its natural credential. `id` first: drizzle takes a first null for a missing row. */
const naturalColumns = {
  id: credentials.id,
  expiresAt: credentials.expiresAt,
  refreshedAt: credentials.refreshedAt,
  lastError: credentials.lastError,
};

export interface ViewRow {
  readonly installation: Omit<InstallationRow, UnseenColumn>;
  readonly natural: {
    readonly expiresAt: Date | null;
    readonly refreshedAt: Date | null;
    readonly lastError: string | null;
  } | null;
  readonly ownWebhook: WebhookColumns | null;
  readonly platformWebhook: WebhookColumns | null;
}

const platformWebhooks = alias(webhooks, "platform_webhooks");

/** Installations, each with its natural credential and its webhook; conditions are to be added. */
export function viewInstallations(db: Queries) {
  return db
    .select({
      installation: installations,
      natural: naturalColumns,
      ownWebhook: webhookColumns(webhooks),
      platformWebhook: webhookColumns(platformWebhooks),
    })
    .from(installations)
    .leftJoin(
      installationCredentials,
      and(eq(installationCredentials.installationId, installations.id), installationCredentials.natural),
    )
    .leftJoin(credentials, eq(credentials.id, installationCredentials.credentialId))
    .leftJoin(webhooks, eq(webhooks.installationId, installations.id))
    .leftJoin(platformWebhooks, eq(platformWebhooks.subject, installations.platform));
}

export function toInstallation({ installation: row, natural, ownWebhook, platformWebhook }: ViewRow): Installation {
  const webhook = ownWebhook ?? platformWebhook;
  return {
    id: row.id,
    platform: row.platform,
    products: row.products,
    status: row.status,
    owner: row.owner ?? undefined,
    externalOrgId: row.externalOrgId,
    externalOrgName: row.externalOrgName,
    externalInstallId: row.externalInstallId ?? undefined,
    externalUserId: row.externalUserId ?? undefined,
    scopes: row.scopes,
    permissions: row.permissions,
    installedBy: row.installedBy ?? undefined,
    metadata: row.metadata,
    webhook: webhook === null ? undefined : toWebhook(webhook),
    tokenExpiresAt: natural?.expiresAt ?? undefined,
    lastRefreshedAt: natural?.refreshedAt ?? undefined,
    lastError: natural?.lastError ?? webhookError(ownWebhook),
    lastUsedAt: row.lastUsedAt ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    revokedAt: row.revokedAt ?? undefined,
  };
}
