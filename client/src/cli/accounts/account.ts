import { isObject } from "../service/fields.ts";

/** One sign-in of a person: what is known of it without its secret. */
export interface Account {
  /** The public address of the service it belongs to, and the only one that its secret is sent to. */
  readonly service: string;
  readonly platform: string;
  /** What the person calls it. */
  readonly name: string;
  /** What its service calls it. */
  readonly accountId: string;
  readonly apiBaseUrl: string;
  /** The names of the organizations that it reached when it was made. */
  readonly organizations: readonly string[];
  /** When it was made, as ISO text. */
  readonly since: string;
}

/** Where the secret is: in the account's own file, or in the keyring of the system. */
export type KeptSecret = { readonly kind: "file"; readonly secret: string } | { readonly kind: "keyring" };

export interface StoredAccount {
  readonly account: Account;
  readonly kept: KeptSecret;
}

export type ReadAccount =
  | { readonly kind: "account"; readonly stored: StoredAccount }
  /** A later version of this program wrote it. */
  | { readonly kind: "newer" }
  | { readonly kind: "broken" };

/** The form of the files. One that a reader of this version would misread has a higher number. */
const version = 1;

export function writeAccount({ account, kept }: StoredAccount): string {
  const { service, platform, name, accountId, apiBaseUrl, organizations, since } = account;
  const file = {
    version,
    service,
    platform,
    name,
    account_id: accountId,
    api_base_url: apiBaseUrl,
    organizations,
    since,
    ...(kept.kind === "file" ? { secret: kept.secret } : { secret_in: "keyring" }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

export function readAccount(text: string): ReadAccount {
  const file = parse(text);
  if (!isObject(file)) return { kind: "broken" };
  if (typeof file.version === "number" && file.version > version) return { kind: "newer" };
  const { service, platform, name, account_id: accountId, api_base_url: apiBaseUrl, secret, since } = file;
  if (!(isText(service) && isText(platform) && isText(name) && isText(accountId))) return { kind: "broken" };
  const kept = keptSecret(secret, file.secret_in);
  if (file.version !== version || kept === undefined) return { kind: "broken" };
  const organizations = Array.isArray(file.organizations) ? file.organizations.filter(isText) : [];
  const account = {
    ...{ service, platform, name, accountId, organizations },
    apiBaseUrl: isText(apiBaseUrl) ? apiBaseUrl : "",
    since: isText(since) ? since : "",
  };
  return { kind: "account", stored: { account, kept } };
}

function keptSecret(secret: unknown, where: unknown): KeptSecret | undefined {
  if (isText(secret)) return { kind: "file", secret };
  return where === "keyring" ? { kind: "keyring" } : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
