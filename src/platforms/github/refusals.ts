import type { About, AboutCode, Refusals } from "../refusals.ts";

const registration = {
  application_suspended: "registration",
  incorrect_client_credentials: "registration",
  redirect_uri_mismatch: "registration",
  unsupported_grant_type: "registration",
} as const satisfies Refusals<AboutCode>;

/** Of a code, by `/login/oauth/access_token`: words inside status 200. */
export const githubCodeRefusals: Refusals<AboutCode> = {
  ...registration,
  bad_verification_code: "code",
  unverified_user_email: "person",
};

/** Of a refresh token, by the same. */
export const githubRefreshRefusals: Refusals<About> = { ...registration, bad_refresh_token: "grant" };

/**
 * Of an installation, by whatever is asked about it as the app: the status, and where that has several meanings GitHub's
 * sentence. 401 is about our key, 404 needs a second question, and a limit is told by its headers before any of these.
 */
export const githubInstallationRefusals: Refusals<"suspended" | InstallationRefusal> = {
  "402": () => "payment_required",
  "403": (sentence) => sentences.find(([pattern]) => pattern.test(sentence))?.[1],
  "451": () => "access_blocked",
};

/** Why an installation refuses us, as `last_error` says it. */
export type InstallationRefusal = "ip_allow_list" | "saml" | "account_flagged" | "payment_required" | "access_blocked";

const sentences: readonly (readonly [RegExp, "suspended" | InstallationRefusal])[] = [
  [/IP allow list/i, "ip_allow_list"],
  [/\bSAML\b/i, "saml"],
  [/suspended/i, "suspended"],
  [/flagged|spammy/i, "account_flagged"],
];
