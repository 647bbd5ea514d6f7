import { createPrivateKey } from "node:crypto";
import { Secret } from "../../secret.ts";
import {
  type ClientSettings,
  isConfigured,
  readAddressPair,
  readRequired,
  readRequiredSecret,
  readRotatingSecret,
  readScopes,
} from "../../settings/client-settings.ts";
import { normalisePem } from "../../settings/pem.ts";
import { readChoice, readInteger } from "../../settings/scalars.ts";
import type { Setting } from "../../settings/setting.ts";
import type { SettingReader } from "../../settings/setting-reader.ts";
import { readBaseAddress } from "../../settings/urls.ts";

/** Of both kinds of app: they live at the same GitHub. */
const hostSettings = [
  { name: "GITHUB_URL", default: "https://github.com", meaning: "Where people meet GitHub." },
  {
    name: "GITHUB_API_URL",
    default: "https://api.github.com",
    meaning: "GitHub's REST API; set it together with GITHUB_URL.",
  },
  {
    name: "GITHUB_ISSUER",
    default: "https://github.com/login/oauth",
    meaning: "The `iss` expected of callbacks that carry one (RFC 9207).",
  },
] as const satisfies readonly Setting[];

/** Of the GitHub App. */
export const appSettings = [
  { name: "GITHUB_APP_ID", meaning: "GitHub App (`github`): its numeric id." },
  { name: "GITHUB_APP_NAME", meaning: "GitHub App: the name in its public URL (slug)." },
  { name: "GITHUB_CLIENT_ID", meaning: "GitHub App: client id." },
  { name: "GITHUB_CLIENT_SECRET", secret: true, meaning: "GitHub App: client secret." },
  {
    name: "GITHUB_PRIVATE_KEY",
    secret: true,
    meaning: "GitHub App: private key, PEM (PKCS#1 or PKCS#8); line breaks may be spelled `\\n`.",
  },
  { name: "GITHUB_PRIVATE_KEY_PATH", meaning: "GitHub App: file with the private key, instead of GITHUB_PRIVATE_KEY." },
  {
    name: "GITHUB_WEBHOOK_SECRET",
    secret: true,
    meaning: "GitHub App: webhook secret; two, comma separated, while rotating.",
  },
  {
    name: "WEBHOOK_MAX_BYTES",
    default: "26214400",
    meaning: "Largest event accepted from GitHub, in bytes; its own cap by default. 1 MiB for the other platforms.",
    // The same row for every further GitHub, which has no size of its own.
    aliases: [],
  },
  {
    name: "GITHUB_INSTALL_PATH",
    default: "/apps",
    meaning: "Path of the install page; `/github-apps` on Enterprise Server.",
  },
  {
    name: "GITHUB_CLAIM_PROOF",
    default: "administers",
    meaning:
      "What a person must show of an installation that was there before: `administers`, or `sees` (any read access; warned of).",
  },
  ...hostSettings,
] as const satisfies readonly Setting[];

/** Of the OAuth App. */
export const oauthSettings = [
  { name: "GITHUB_OAUTH_CLIENT_ID", meaning: "GitHub OAuth App (`github-oauth`): client id." },
  { name: "GITHUB_OAUTH_CLIENT_SECRET", secret: true, meaning: "GitHub OAuth App: client secret." },
  {
    name: "GITHUB_OAUTH_SCOPES",
    default: "read:user",
    meaning: "GitHub OAuth App: scopes, separated by blanks or commas.",
  },
  ...hostSettings,
] as const satisfies readonly Setting[];

export type AppSetting = (typeof appSettings)[number];
export type OauthSetting = (typeof oauthSettings)[number];
type HostReader = SettingReader<(typeof hostSettings)[number]>;
type Reader = SettingReader<AppSetting>;

/** One GitHub: github.com or an Enterprise one. Addresses have no slash at the end. */
interface GithubHost {
  /** Where people and OAuth live: `https://github.com`. */
  readonly webUrl: string;
  /** Where the REST API lives: `https://api.github.com`, `https://ghe.example/api/v3`. */
  readonly apiUrl: string;
  /** The `iss` that callbacks may carry (RFC 9207): `https://github.com/login/oauth`. */
  readonly issuer: string;
}

/** What a person must show of an installation that was there before: that they administer it, or only that they see it. */
export type ClaimProof = "administers" | "sees";

export interface GithubConfig extends GithubHost {
  /** The numeric app id, in digits. */
  readonly appId: string;
  /** The name in the app's public URL. */
  readonly slug: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** PEM that node:crypto reads. */
  readonly privateKey: Secret;
  /** `/apps`; on Enterprise Server `/github-apps`. Begins with a slash and does not end with one. */
  readonly installPath: string;
  readonly claimProof: ClaimProof;
  /** What its events are signed with: the values in use, two while one is being rotated. */
  readonly webhookSecrets: readonly Secret[];
  readonly webhookMaxBytes: number;
}

export interface GithubOauthConfig extends GithubHost {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** What is asked for; `offline_access` is added. */
  readonly scopes: readonly string[];
}

export const gitHubApp: ClientSettings<AppSetting> = {
  title: "GitHub App",
  required: [
    ["GITHUB_APP_ID"],
    ["GITHUB_APP_NAME"],
    ["GITHUB_CLIENT_ID"],
    ["GITHUB_CLIENT_SECRET"],
    ["GITHUB_PRIVATE_KEY", "GITHUB_PRIVATE_KEY_PATH"],
  ],
  optional: ["GITHUB_WEBHOOK_SECRET"],
};

export const gitHubOauthApp: ClientSettings<OauthSetting> = {
  title: "GitHub OAuth App",
  required: [["GITHUB_OAUTH_CLIENT_ID"], ["GITHUB_OAUTH_CLIENT_SECRET"]],
};

/** The GitHub App; undefined: not configured. */
export function readGithub(reader: Reader): GithubConfig | undefined {
  if (!isConfigured(reader, gitHubApp)) return undefined;
  return {
    ...readHost(reader),
    appId: readAppId(reader),
    slug: readSlug(reader),
    clientId: readRequired(reader, "GITHUB_CLIENT_ID"),
    clientSecret: readRequiredSecret(reader, "GITHUB_CLIENT_SECRET"),
    privateKey: readPrivateKey(reader),
    installPath: readInstallPath(reader),
    claimProof: readClaimProof(reader),
    webhookSecrets: readRotatingSecret(reader, "GITHUB_WEBHOOK_SECRET"),
    webhookMaxBytes: readInteger(reader, "WEBHOOK_MAX_BYTES", { min: 1024, max: 67_108_864 }),
  };
}

/** The classic OAuth App; undefined: not configured. */
export function readGithubOauth(reader: SettingReader<OauthSetting>): GithubOauthConfig | undefined {
  if (!isConfigured(reader, gitHubOauthApp)) return undefined;
  return {
    ...readHost(reader),
    clientId: readRequired(reader, "GITHUB_OAUTH_CLIENT_ID"),
    clientSecret: readRequiredSecret(reader, "GITHUB_OAUTH_CLIENT_SECRET"),
    scopes: readScopes(reader, "GITHUB_OAUTH_SCOPES"),
  };
}

function readHost(reader: HostReader): GithubHost {
  const hint = "set both; on Enterprise Server the API is at $GITHUB_URL/api/v3";
  const [webUrl, apiUrl] = readAddressPair(reader, "GITHUB_URL", "GITHUB_API_URL", hint);
  return { webUrl, apiUrl, issuer: readBaseAddress(reader, "GITHUB_ISSUER") };
}

function readAppId(reader: Reader): string {
  const id = readRequired(reader, "GITHUB_APP_ID");
  if (id !== "" && !/^\d+$/.test(id)) reader.problem("GITHUB_APP_ID", "this is not a number", "set the App ID");
  return id;
}

function readSlug(reader: Reader): string {
  const slug = readRequired(reader, "GITHUB_APP_NAME");
  if (slug !== "" && !/^[\w.-]+$/.test(slug)) {
    reader.problem("GITHUB_APP_NAME", "this is not a name as in URLs", "set the last part of the app's public link");
  }
  return slug;
}

function readInstallPath(reader: Reader): string {
  const path = reader.text("GITHUB_INSTALL_PATH") ?? reader.defaultOf("GITHUB_INSTALL_PATH");
  if (!/^(\/[\w.-]+)+$/.test(path)) {
    reader.problem("GITHUB_INSTALL_PATH", `${path} is not a path`, "set /apps, on Enterprise Server /github-apps");
  }
  return path;
}

function readClaimProof(reader: Reader): ClaimProof {
  const proof = readChoice(reader, "GITHUB_CLAIM_PROOF", ["administers", "sees"]);
  if (proof === "sees") {
    reader.warn(
      "GITHUB_CLAIM_PROOF=sees: whoever can read one repository of an organization can connect all that is installed " +
        "there for an owner of theirs; unset it to ask for who administers it",
    );
  }
  return proof;
}

function readPrivateKey(reader: Reader): Secret {
  const path = reader.text("GITHUB_PRIVATE_KEY_PATH");
  const given = reader.secret("GITHUB_PRIVATE_KEY");
  if (path !== undefined && reader.isGiven("GITHUB_PRIVATE_KEY")) {
    reader.problem("GITHUB_PRIVATE_KEY", "is given as well as GITHUB_PRIVATE_KEY_PATH", "set one of them");
    return new Secret("");
  }
  const text = path === undefined ? given?.reveal() : reader.file("GITHUB_PRIVATE_KEY_PATH", path);
  if (text === undefined) return new Secret("");
  const pem = normalisePem(text);
  if (!isRsaKey(pem)) {
    reader.problem(
      path === undefined ? "GITHUB_PRIVATE_KEY" : "GITHUB_PRIVATE_KEY_PATH",
      "this is not an RSA private key of at least 2048 bits in PEM form (PKCS#1 or PKCS#8, without a passphrase; quotes, base64 and indentation are understood)",
      "generate one on the app's page at GitHub",
    );
  }
  return new Secret(pem);
}

function isRsaKey(pem: string): boolean {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  } catch {
    return false;
  }
}
