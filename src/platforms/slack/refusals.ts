import type { About, AboutCode, Refusals } from "../refusals.ts";

/** What every method may say. */
const everywhere = {
  fatal_error: "platform",
  internal_error: "platform",
  request_timeout: "platform",
  service_unavailable: "platform",
  rate_limited: "limit",
  ratelimited: "limit",
} as const satisfies Refusals<AboutCode>;

/** Our registration or our request is wrong, whoever asks (page "oauth.v2.access"). */
const registration = {
  bad_client_secret: "registration",
  bad_redirect_uri: "registration",
  invalid_client_id: "registration",
  invalid_code_verifier: "registration",
  invalid_grant_type: "registration",
  no_scopes: "registration",
  pkce_not_allowed: "registration",
  preview_feature_not_available: "registration",
} as const satisfies Refusals<AboutCode>;

/** A workspace or organization that lets nobody in: it moves, or its administrators have locked it. */
const installation = {
  access_denied: "installation",
  ekm_access_denied: "installation",
  enterprise_is_restricted: "installation",
  org_login_required: "installation",
  team_added_to_org: "installation",
  two_factor_setup_required: "installation",
} as const satisfies Refusals;

/** The app was removed, the person deactivated, the token ended. */
const grant = {
  account_inactive: "grant",
  team_access_not_granted: "grant",
  token_expired: "grant",
  token_revoked: "grant",
} as const satisfies Refusals;

/** Of a code, by `oauth.v2.access`. */
export const slackCodeRefusals: Refusals<AboutCode> = {
  ...everywhere,
  ...registration,
  cannot_install_an_org_installed_app: "code",
  code_already_used: "code",
  invalid_code: "code",
  oauth_authorization_url_mismatch: "code",
  user_email_unverified: "person",
};

/** Of a refresh token, by `oauth.v2.access`. */
export const slackRefreshRefusals: Refusals<About> = {
  ...everywhere,
  ...registration,
  ...installation,
  ...grant,
  invalid_refresh_token: "grant",
  refresh_token_expired: "grant",
  refresh_token_revoked: "grant",
};

/** Of an access token, by `auth.test`. */
export const slackTokenRefusals: Refusals<About> = {
  ...everywhere,
  ...installation,
  ...grant,
  invalid_auth: "grant",
  not_authed: "grant",
};

/** Of a token that is to be ended, by `auth.revoke`: `ended` is what was wanted. */
export const slackRevokeRefusals: Refusals<"ended" | "unsupported"> = {
  account_inactive: "ended",
  invalid_auth: "ended",
  team_access_not_granted: "ended",
  token_expired: "ended",
  token_revoked: "ended",
  unknown_method: "unsupported",
};
