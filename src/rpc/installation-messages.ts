import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Installation as InstallationMessage,
  InstallationSchema,
  InstallationStatus as StatusMessage,
  type WebhookRegistration,
  WebhookRegistrationSchema,
} from "../../gen/oauth/token/v1/installation_pb.js";
import type { Installation, InstallationStatus } from "../domain/model/installation.ts";
import type { Webhook } from "../domain/model/webhook.ts";

/** An installation as callers see it. */
export function toInstallationMessage(installation: Installation): InstallationMessage {
  const message = create(InstallationSchema, {
    id: installation.id,
    platform: installation.platform,
    status: statusMessages[installation.status],
    externalOrgId: installation.externalOrgId,
    externalOrgName: installation.externalOrgName,
    externalInstallId: installation.externalInstallId ?? "",
    owner: installation.owner ?? "",
    scopes: [...installation.scopes],
    permissions: { ...installation.permissions },
    installedBy: installation.installedBy ?? "",
    metadata: { ...installation.metadata },
    lastError: installation.lastError ?? "",
    createTime: timestampFromDate(installation.createdAt),
    updateTime: timestampFromDate(installation.updatedAt),
  });
  const { webhook, tokenExpiresAt, lastRefreshedAt, lastUsedAt, revokedAt } = installation;
  if (webhook !== undefined) message.webhook = toWebhookMessage(webhook);
  if (tokenExpiresAt !== undefined) message.tokenExpireTime = timestampFromDate(tokenExpiresAt);
  if (lastRefreshedAt !== undefined) message.lastRefreshTime = timestampFromDate(lastRefreshedAt);
  if (lastUsedAt !== undefined) message.lastUsedTime = timestampFromDate(lastUsedAt);
  if (revokedAt !== undefined) message.revokeTime = timestampFromDate(revokedAt);
  return message;
}

function toWebhookMessage({ registered, url, externalIds, error = "", expiresAt }: Webhook): WebhookRegistration {
  const message = create(WebhookRegistrationSchema, { registered, url, externalIds: [...externalIds], error });
  if (expiresAt !== undefined) message.expireTime = timestampFromDate(expiresAt);
  return message;
}

/** The status a request asks for; undefined for any. */
export function toInstallationStatus(status: StatusMessage): InstallationStatus | undefined {
  return statuses[status];
}

const statusMessages: Record<InstallationStatus, StatusMessage> = {
  pending: StatusMessage.PENDING,
  active: StatusMessage.ACTIVE,
  suspended: StatusMessage.SUSPENDED,
  reauthorization_required: StatusMessage.REAUTHORIZATION_REQUIRED,
  revoked: StatusMessage.REVOKED,
};

const statuses: Record<StatusMessage, InstallationStatus | undefined> = {
  [StatusMessage.UNSPECIFIED]: undefined,
  [StatusMessage.PENDING]: "pending",
  [StatusMessage.ACTIVE]: "active",
  [StatusMessage.SUSPENDED]: "suspended",
  [StatusMessage.REAUTHORIZATION_REQUIRED]: "reauthorization_required",
  [StatusMessage.REVOKED]: "revoked",
};
