import type { About, AboutCode, Refusals } from "../refusals.ts";

/** Statuses with which the token endpoint refuses; of any other the body says nothing. */
export const atlassianRefusalStatuses: ReadonlySet<number> = new Set([400, 401, 403]);

/** RFC 6749 section 5.2, as far as it speaks of us. */
const registration = {
  invalid_client: "registration",
  invalid_scope: "registration",
  unsupported_grant_type: "registration",
  server_error: "platform",
  temporarily_unavailable: "platform",
} as const satisfies Refusals<AboutCode>;

/** Of a refresh token. A dead one is called by three names, with three statuses; the text tells whom it is about. */
export const atlassianRefreshRefusals: Refusals<About> = {
  ...registration,
  invalid_grant: "grant",
  access_denied: (text) => (blames(text, "refresh[ _-]?token") ? "grant" : "registration"),
  invalid_request: (text) => (blames(text, "refresh[ _-]?token") ? "grant" : undefined),
  unauthorized_client: (text) => (blames(text, "refresh[ _-]?token") ? "grant" : "registration"),
};

/** Of a code. */
export const atlassianCodeRefusals: Refusals<AboutCode> = {
  ...registration,
  invalid_grant: "code",
  access_denied: (text) => (blames(text, "code") ? "code" : "registration"),
  invalid_request: (text) => (blames(text, "code") ? "code" : undefined),
  unauthorized_client: (text) => (blames(text, "code") ? "code" : "registration"),
};

/** Of a token that is to be ended: `ended` is what was wanted. */
export const atlassianRevokeRefusals: Refusals<"ended" | "unsupported"> = {
  invalid_grant: "ended",
  invalid_token: "ended",
  unauthorized_client: (text) => (blames(text, "(refresh[ _-]?)?token") ? "ended" : undefined),
  unsupported_token_type: "unsupported",
};

/** Whether a text calls `what` bad, and not our use of it: "grant type refresh_token is not allowed" is about the client. */
function blames(text: string, what: string): boolean {
  const bad = "(invalid|unknown|expired|revoked|not found|not valid|already used)";
  const either = new RegExp(`\\b${bad}\\b.*\\b${what}\\b|\\b${what}\\b.*\\b${bad}\\b`, "i");
  return either.test(text) && !/grant[ _-]?type/i.test(text);
}
