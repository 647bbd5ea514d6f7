import type { LinkPayload } from "../../../domain/links/link-payload.ts";
import { installationJson } from "../installation-json.ts";

/** What a program gets for its link or account: here its secrets leave for the one who asked. */
export function payloadJson(payload: LinkPayload): Record<string, unknown> {
  return {
    access_token: payload.accessToken.reveal(),
    token_type: payload.tokenType,
    expire_time: payload.expiresAt?.toISOString(),
    scopes: payload.scopes,
    account_id: payload.accountId,
    account_secret: payload.accountSecret?.reveal(),
    api_base_url: payload.apiBaseUrl,
    installations: payload.installations.map(installationJson),
    token_id: payload.tokenId,
  };
}
