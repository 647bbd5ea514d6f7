import { readFields } from "./fields.ts";

/** What a link or an account yields. */
export interface TokenPayload {
  readonly accessToken: string;
  readonly tokenType: string;
  readonly expireTime: Date | undefined;
  readonly scopes: readonly string[];
  readonly accountId: string;
  /** Only where the secret is a new one. */
  readonly accountSecret: string | undefined;
  readonly apiBaseUrl: string;
  readonly installations: readonly Readonly<Record<string, unknown>>[];
  readonly tokenId: string;
}

export function readTokenPayload(body: unknown, service: string): TokenPayload {
  const fields = readFields(body, service);
  const expireTime = new Date(fields.optionalText("expire_time") ?? Number.NaN);
  return {
    accessToken: fields.text("access_token"),
    tokenType: fields.optionalText("token_type") ?? "bearer",
    expireTime: Number.isNaN(expireTime.getTime()) ? undefined : expireTime,
    scopes: fields.texts("scopes"),
    accountId: fields.text("account_id"),
    accountSecret: fields.optionalText("account_secret"),
    apiBaseUrl: fields.optionalText("api_base_url") ?? "",
    installations: fields.objects("installations"),
    tokenId: fields.optionalText("token_id") ?? "",
  };
}

/** The payload as `--json` shows it: in the service's own names, never with the account's secret. */
export function shownPayload(payload: TokenPayload): object {
  return {
    access_token: payload.accessToken,
    token_type: payload.tokenType,
    ...(payload.expireTime === undefined ? {} : { expire_time: payload.expireTime.toISOString() }),
    scopes: payload.scopes,
    account_id: payload.accountId,
    api_base_url: payload.apiBaseUrl,
    installations: payload.installations,
    token_id: payload.tokenId,
  };
}

/** The names of the organizations that a payload is for. */
export function organizationsOf({ installations }: TokenPayload): readonly string[] {
  const names = installations.map(({ external_org_name, external_org_id }) => external_org_name ?? external_org_id);
  return names.filter((name) => typeof name === "string" && name !== "") as readonly string[];
}
