import type { Installation, InstallationStatus } from "../../domain/model/installation.ts";
import type { Webhook } from "../../domain/model/webhook.ts";

const statuses: Record<InstallationStatus, string> = {
  pending: "INSTALLATION_STATUS_PENDING",
  active: "INSTALLATION_STATUS_ACTIVE",
  suspended: "INSTALLATION_STATUS_SUSPENDED",
  reauthorization_required: "INSTALLATION_STATUS_REAUTHORIZATION_REQUIRED",
  revoked: "INSTALLATION_STATUS_REVOKED",
};

/**
 * An installation as the RPCs give it in JSON, but for instants, which have their milliseconds always. Those that are
 * not known are left out.
 */
export function installationJson(installation: Installation): Record<string, unknown> {
  const { createdAt, updatedAt, tokenExpiresAt, lastRefreshedAt, lastUsedAt, revokedAt } = installation;
  return {
    id: installation.id,
    platform: installation.platform,
    status: statuses[installation.status],
    external_org_id: installation.externalOrgId,
    external_org_name: installation.externalOrgName,
    external_install_id: installation.externalInstallId ?? "",
    owner: installation.owner ?? "",
    scopes: installation.scopes,
    permissions: installation.permissions,
    installed_by: installation.installedBy ?? "",
    metadata: installation.metadata,
    webhook: installation.webhook && webhookJson(installation.webhook),
    token_expire_time: tokenExpiresAt?.toISOString(),
    last_refresh_time: lastRefreshedAt?.toISOString(),
    last_error: installation.lastError ?? "",
    last_used_time: lastUsedAt?.toISOString(),
    create_time: createdAt.toISOString(),
    update_time: updatedAt.toISOString(),
    revoke_time: revokedAt?.toISOString(),
  };
}

function webhookJson({ registered, url, externalIds, error = "", expiresAt }: Webhook): Record<string, unknown> {
  return { registered, url, external_ids: externalIds, error, expire_time: expiresAt?.toISOString() };
}
