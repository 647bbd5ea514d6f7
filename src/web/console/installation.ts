import { type Json, messageIn, textIn, timeIn } from "./json-fields.ts";

/** An installation as its caller sees it. Texts that are absent are empty. */
export interface ListedInstallation {
  readonly id: string;
  readonly platform: string;
  /** Without its prefix: `ACTIVE`. */
  readonly status: string;
  readonly externalOrgId: string;
  readonly externalOrgName: string;
  readonly externalInstallId: string;
  readonly owner: string;
  readonly webhook: { readonly registered: boolean; readonly error: string } | undefined;
  readonly tokenExpireTime: Date | undefined;
  readonly lastRefreshTime: Date | undefined;
  readonly lastError: string;
  readonly lastUsedTime: Date | undefined;
  readonly createTime: Date | undefined;
}

export function readInstallation(json: Json): ListedInstallation {
  const webhook = messageIn(json, "webhook");
  return {
    id: textIn(json, "id"),
    platform: textIn(json, "platform"),
    status: textIn(json, "status").replace("INSTALLATION_STATUS_", ""),
    externalOrgId: textIn(json, "external_org_id"),
    externalOrgName: textIn(json, "external_org_name"),
    externalInstallId: textIn(json, "external_install_id"),
    owner: textIn(json, "owner"),
    webhook: webhook && { registered: webhook.registered === true, error: textIn(webhook, "error") },
    tokenExpireTime: timeIn(json, "token_expire_time"),
    lastRefreshTime: timeIn(json, "last_refresh_time"),
    lastError: textIn(json, "last_error"),
    lastUsedTime: timeIn(json, "last_used_time"),
    createTime: timeIn(json, "create_time"),
  };
}
