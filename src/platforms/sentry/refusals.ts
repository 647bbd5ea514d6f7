import type { About, AboutCode, Refusals } from "../refusals.ts";

/** Sentry refuses in sentences, whose statuses differ from version to version: what each is called here. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [/^invalid client id ?\/ ?secret pair/i, "invalid_client"],
  [/^invalid request/i, "invalid_request"],
  [/^invalid grant_type/i, "invalid_grant_type"],
  [/^application is not active/i, "application_inactive"],
  [/^given installation is not for integration/i, "other_integration"],
  [/^you do not have permission/i, "not_permitted"],
  [/^could not find grant\b/i, "grant_unknown"],
  [/^forbidden grant/i, "grant_forbidden"],
  [/^grant has already expired/i, "grant_expired"],
  [/^given refresh token does not exist/i, "refresh_token_unknown"],
  [/^token does not belong to the application/i, "refresh_token_foreign"],
  [/^(invalid|expired) token|^token (expired|is (invalid|expired))/i, "invalid_token"],
  [/^manual token refresh is not enabled/i, "manual_refresh_off"],
  [/^(header is in invalid form|bearer not present|jwt credentials are missing)/i, "jwt_missing"],
  [/^jwt is not valid for this application/i, "jwt_of_other_application"],
  [/^could not validate jwt/i, "jwt_invalid"],
  [/^jwt has already been used/i, "jwt_used"],
  [/^installation does not have a token/i, "no_token_yet"],
  [/^token (refresh already in progress|was already refreshed)/i, "refresh_under_way"],
  [/^(installation not found|could not find given sentry app installation)/i, "installation_unknown"],
  [/^(not found|the requested resource does not exist)\.?$/i, "installation_unknown"],
];

/** The word for a sentence; undefined for one that nobody has told us of. */
export function sentryWord(sentence: string): string | undefined {
  return sentences.find(([pattern]) => pattern.test(sentence))?.[1];
}

const registration = {
  application_inactive: "registration",
  invalid_client: "registration",
  invalid_grant_type: "registration",
  invalid_request: "registration",
} as const satisfies Refusals<AboutCode>;

/** Of a code, which has to fit the installation that the callback named. */
export const sentryCodeRefusals: Refusals<AboutCode> = {
  ...registration,
  grant_expired: "code",
  grant_forbidden: "code",
  grant_unknown: "code",
  installation_unknown: "code",
  not_permitted: "code",
  other_integration: "code",
};

/** Of a refresh token. That the installation is gone is told apart: it is no matter of what was sent. */
export const sentryRefreshRefusals: Refusals<About> = {
  ...registration,
  other_integration: "registration",
  refresh_token_foreign: "grant",
  refresh_token_unknown: "grant",
  refresh_under_way: "platform",
};

/**
 * With these a server says that the app's own word obtains nothing here, whatever was sent before: switched off, not known
 * yet, taken away on the way, or there is no token that it could replace.
 */
export const ownWordIsNotTaken: ReadonlySet<string> = new Set([
  "manual_refresh_off",
  "invalid_grant_type",
  "invalid_client",
  "invalid_request",
  "jwt_missing",
  "no_token_yet",
]);

/** Said of a JWT that a proxy of Sentry's sent twice, or beside a refresh under way: the work may be done. */
export const doneAlready: ReadonlySet<string> = new Set(["jwt_used", "refresh_under_way"]);
