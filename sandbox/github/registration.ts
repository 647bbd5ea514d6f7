import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** How the GitHub App is registered. */
export interface AppRegistration {
  readonly appId: number;
  readonly slug: string;
  readonly clientId: string;
  clientSecret: string;
  /** Compared exactly; the first one is where an installation ends. */
  callbackUrls: readonly string[];
  /** Where an installation ends when it does not include user authorization. */
  setupUrl: string;
  /** "Request user authorization (OAuth) during installation". */
  readonly userAuthorizationDuringInstallation: boolean;
  /** Whether user tokens expire and come with a refresh token. */
  readonly expiringUserTokens: boolean;
  /** What every new installation grants. */
  readonly permissions: Readonly<Record<string, string>>;
  publicKey: KeyObject;
  readonly webhook: AppWebhook;
}

/** The one webhook of the app. */
export interface AppWebhook {
  /** Switched on in the app's settings; its API does not know an app's webhook that is off. */
  active: boolean;
  url: string;
  contentType: "json" | "form";
  secret: string | undefined;
  insecureSsl: string;
}

export function newAppWebhook(): AppWebhook {
  return { active: true, url: "", contentType: "form", secret: undefined, insecureSsl: "0" };
}

/** How the classic OAuth App is registered. */
export interface OauthAppRegistration {
  readonly clientId: string;
  clientSecret: string;
  callbackUrls: readonly string[];
  /** Whether all its tokens expire; otherwise only those asked for with `offline_access`. */
  readonly expiringTokens: boolean;
}

/** An RSA key as GitHub hands it out: PKCS#1 PEM. */
export function newAppKey(): { readonly publicKey: KeyObject; readonly privateKeyPem: string } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { publicKey, privateKeyPem: privateKey.export({ type: "pkcs1", format: "pem" }).toString() };
}
