import type { Callback } from "../../domain/model/platform.ts";
import { Secret } from "../../secret.ts";

/** What GitHub may say instead of a code (GitHub docs, "Troubleshooting authorization request errors"). */
const errors: Readonly<Record<string, Callback>> = {
  access_denied: { kind: "denied" },
  redirect_uri_mismatch: { kind: "misconfigured", code: "redirect_uri_mismatch" },
  application_suspended: { kind: "misconfigured", code: "application_suspended" },
};

const once = ["code", "error", "iss", "installation_id", "setup_action"];

/** Reads the callback of the OAuth web flow (RFC 6749 section 4.1.2, RFC 9207 for `iss`). */
export function readOauthCallback(query: URLSearchParams, issuer: string): Callback {
  const refused = readRefusal(query, issuer);
  if (refused !== undefined) return refused;
  const code = field(query, "code");
  return code === undefined ? { kind: "malformed" } : { kind: "code", code: new Secret(code), hint: undefined };
}

/**
 * Reads what a GitHub App's callback URL or setup URL was called with (GitHub docs, "About the setup URL"). Without a
 * code, the installation id is only something to remember.
 */
export function readInstallCallback(query: URLSearchParams, issuer: string, attemptHint: string | undefined): Callback {
  const refused = readRefusal(query, issuer);
  if (refused !== undefined) return refused;
  if (field(query, "setup_action") === "request") return { kind: "approval_pending" };
  const code = field(query, "code");
  const installationId = field(query, "installation_id");
  if (installationId !== undefined && !/^[1-9]\d{0,15}$/.test(installationId)) return { kind: "malformed" };
  // Only what belongs to an attempt can have been installed in it.
  const installedNow = field(query, "setup_action") === "install" && field(query, "state") !== undefined;
  const named = installationId && writeHint({ installationId, installedNow });
  const saved = field(query, "setup_action") === "update" && field(query, "state") === undefined;
  // A code that comes with it was asked for by no attempt of ours: without state and PKCE it may be anybody's.
  if (saved && named !== undefined) return { kind: "settings_saved", hint: named };
  if (code !== undefined) return { kind: "code", code: new Secret(code), hint: named ?? attemptHint };
  return named === undefined ? { kind: "malformed" } : { kind: "authorize_first", hint: named };
}

/** What a callback named: to be proven. */
export interface InstallHint {
  readonly installationId: string;
  /** Whether it said that the installation was made in this attempt. */
  readonly installedNow: boolean;
}

const installedNowMark = ":new";

function writeHint({ installationId, installedNow }: InstallHint): string {
  return installedNow ? installationId + installedNowMark : installationId;
}

/** The hint as `readInstallCallback` wrote it. */
export function readHint(hint: string): InstallHint {
  const installedNow = hint.endsWith(installedNowMark);
  return { installationId: installedNow ? hint.slice(0, -installedNowMark.length) : hint, installedNow };
}

function readRefusal(query: URLSearchParams, issuer: string): Callback | undefined {
  if (once.some((name) => query.getAll(name).length > 1)) return { kind: "malformed" };
  const iss = query.get("iss");
  if (iss !== null && iss !== issuer) return { kind: "wrong_issuer" };
  const error = query.get("error");
  if (error === null) return undefined;
  return Object.hasOwn(errors, error) ? errors[error] : { kind: "malformed" };
}

function field(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name);
  return value === null || value === "" ? undefined : value;
}
