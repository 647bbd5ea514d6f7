import type { InstallFailure } from "../../domain/model/install-failure.ts";

/** What else a browser can be told: nothing of this has to do with an attempt. */
export type RequestFailure =
  | "invalid_request"
  | "not_found"
  | "result_not_here"
  | "flow_already_begun"
  | "method_not_allowed"
  | "too_many_requests"
  | "body_too_large";

export interface FailureText {
  /** From 400 to 502. */
  readonly status: number;
  /** What happened, as a sentence without its stop. `{platform}` stands for the platform's name. */
  readonly title: string;
  /** The next step, in sentences. */
  readonly whatThePersonCanDo: string;
  /** Whether connecting again may help. */
  readonly again: boolean;
  /** Whether the attempt is over, so that its cookie has served its purpose. */
  readonly ends: boolean;
}

const startOver = "Start again from the page where you chose to connect.";
const tellOperator = "Tell the people who run this service. Nothing that was connected before is affected.";
const later = "Nothing was changed. Wait a few minutes, then connect again.";

/** The one answer to each failure, for people and for programs. */
export const failureTexts: Record<InstallFailure | RequestFailure, FailureText> = {
  denied: {
    status: 403,
    title: "The connection was not approved",
    whatThePersonCanDo:
      "Nothing was connected. If that was not intended, connect again and approve the request at {platform}.",
    again: true,
    ends: true,
  },
  approval_pending: {
    status: 409,
    title: "An owner has to approve first",
    whatThePersonCanDo:
      "Your request was sent to the owners of the organization at {platform}. Once one of them has approved it, connect again.",
    again: false,
    ends: true,
  },
  begun_at_platform: {
    status: 409,
    title: "This was installed at {platform}, and nobody here knows for whom",
    whatThePersonCanDo:
      "It is not connected, and nothing was used up. Uninstall it at {platform}, then connect from the product that it is for.",
    again: true,
    ends: false,
  },
  state_missing: {
    status: 400,
    title: "This page was opened without a connection in progress",
    whatThePersonCanDo: startOver,
    again: true,
    ends: false,
  },
  state_unknown: {
    status: 400,
    title: "This connection attempt is not known",
    whatThePersonCanDo: `It may have been started long ago, or the address was changed on the way. ${startOver}`,
    again: true,
    ends: true,
  },
  state_expired: {
    status: 400,
    title: "This connection attempt took too long",
    whatThePersonCanDo: `An attempt has to be finished within ten minutes. ${startOver}`,
    again: true,
    ends: true,
  },
  state_already_used: {
    status: 400,
    title: "This connection attempt was already finished",
    whatThePersonCanDo: "If you saw that it succeeded, there is nothing left to do. Otherwise connect again.",
    again: true,
    ends: true,
  },
  state_other_platform: {
    status: 400,
    title: "This connection attempt belongs to another platform",
    whatThePersonCanDo: startOver,
    again: false,
    ends: false,
  },
  state_other_browser: {
    status: 400,
    title: "This connection attempt was started in another browser",
    whatThePersonCanDo:
      "It can only be finished in the browser in which it was started, with cookies allowed. If you did not start it yourself, close this page. Otherwise connect again here.",
    again: true,
    ends: false,
  },
  malformed_callback: {
    status: 400,
    title: "The answer from {platform} could not be read",
    whatThePersonCanDo: startOver,
    again: true,
    ends: true,
  },
  wrong_issuer: {
    status: 400,
    title: "The answer does not come from {platform}",
    whatThePersonCanDo: `Nothing was connected. ${startOver} If this happens again, tell the people who run this service.`,
    again: true,
    ends: true,
  },
  code_rejected: {
    status: 400,
    title: "{platform} no longer accepts this approval",
    whatThePersonCanDo: "An approval works once and only for a short time. Connect again.",
    again: true,
    ends: true,
  },
  installation_not_yours: {
    status: 403,
    title: "Your account does not manage this installation",
    whatThePersonCanDo:
      "Connect again with an account that can manage the organization at {platform}, or ask one of its owners to connect it.",
    again: true,
    ends: true,
  },
  installation_not_administered: {
    status: 403,
    title: "Your account can see this installation, but does not administer it",
    whatThePersonCanDo:
      "Nothing was connected. Ask an owner of the organization at {platform} to connect it here. If you administer only some of its repositories, the owner can also limit the installation to those; then connect again.",
    again: true,
    ends: true,
  },
  installation_missing: {
    status: 409,
    title: "There is no installation to connect yet",
    whatThePersonCanDo: "Install the app for your organization at {platform} first, then connect again.",
    again: true,
    ends: true,
  },
  installation_taken: {
    status: 409,
    title: "This organization is already connected for someone else",
    whatThePersonCanDo:
      "Nothing was changed. If it should belong to you, tell the people who run this service: they can release it.",
    again: false,
    ends: true,
  },
  unverified_email: {
    status: 403,
    title: "Your e-mail address at {platform} is not verified",
    whatThePersonCanDo: "Verify it in your account settings at {platform}, then connect again.",
    again: true,
    ends: true,
  },
  no_sites: {
    status: 409,
    title: "Your approval covers no site",
    whatThePersonCanDo:
      "Connect again with an account that can use at least one site at {platform}, and choose that site when asked.",
    again: true,
    ends: true,
  },
  provider_unavailable: {
    status: 502,
    title: "{platform} did not answer",
    whatThePersonCanDo: later,
    again: true,
    ends: true,
  },
  provider_rate_limited: {
    status: 502,
    title: "{platform} takes no more requests right now",
    whatThePersonCanDo: later,
    again: true,
    ends: true,
  },
  provider_misconfigured: {
    status: 502,
    title: "{platform} does not accept this service's registration",
    whatThePersonCanDo: tellOperator,
    again: false,
    ends: true,
  },
  platform_unknown: {
    status: 404,
    title: "There is no platform of this name",
    whatThePersonCanDo: "Check the address, or go back to the page where you chose to connect.",
    again: false,
    ends: false,
  },
  platform_not_configured: {
    status: 404,
    title: "{platform} cannot be connected here yet",
    whatThePersonCanDo: "Nothing was changed. Ask the people who run this service to configure it, then connect again.",
    again: false,
    ends: false,
  },
  link_required: {
    status: 403,
    title: "A valid link is needed to connect",
    whatThePersonCanDo: "Go to the product you want to connect and start there: it gives you a fresh link.",
    again: false,
    ends: false,
  },
  link_expired: {
    status: 403,
    title: "This link to connect {platform} is too old",
    whatThePersonCanDo:
      "Nothing was connected. Go back to the product that gave you the link and start there again: it gives you a fresh one.",
    again: false,
    ends: false,
  },
  link_already_used: {
    status: 403,
    title: "This link to connect {platform} was used already",
    whatThePersonCanDo:
      "A link works once. If you opened it a moment ago in another tab, go on there. Otherwise start again in the product that gave you the link: it gives you a fresh one.",
    again: false,
    ends: false,
  },
  link_withdrawn: {
    status: 403,
    title: "This link to connect {platform} was withdrawn",
    whatThePersonCanDo:
      "Nothing was connected. The product that gave you the link may not connect this any more. Go back there and start again, or tell the people who run it.",
    again: false,
    ends: true,
  },
  reconnected_other: {
    status: 409,
    title: "That is not what was to be connected again",
    whatThePersonCanDo:
      "Nothing was changed. Start again, and choose the same organization at {platform}, with the account that connected it before if it was a person's.",
    again: false,
    ends: true,
  },
  link_code_ended: {
    status: 410,
    title: "The code has been used or has ended",
    whatThePersonCanDo: "Nothing was connected. Sign in again in the terminal, and use the new code.",
    again: false,
    ends: true,
  },
  return_to_not_allowed: {
    status: 400,
    title: "The address to return to is not allowed",
    whatThePersonCanDo:
      "If you followed a link from someone else, do not trust it. If you run the product that made it, add its origin to ALLOWED_RETURN_ORIGINS.",
    again: false,
    ends: false,
  },
  service_unavailable: {
    status: 502,
    title: "This service cannot reach its own database",
    whatThePersonCanDo: "Nothing that was connected before is lost. Wait a few minutes, then connect again.",
    again: true,
    ends: false,
  },
  internal_error: {
    status: 500,
    title: "Something went wrong on our side",
    whatThePersonCanDo:
      "Connect again. If this happens twice, tell the people who run this service, with the reference on this page.",
    again: true,
    ends: false,
  },
  invalid_request: {
    status: 400,
    title: "This address cannot be read",
    whatThePersonCanDo: "Check that it was copied completely, then open it again.",
    again: false,
    ends: false,
  },
  not_found: {
    status: 404,
    title: "There is no such page",
    whatThePersonCanDo: "Check the address, or go back to the page where you came from.",
    again: false,
    ends: false,
  },
  result_not_here: {
    status: 404,
    title: "There is no result here, or not any more",
    whatThePersonCanDo:
      "A result is shown for ten minutes, in the browser that finished the connection and with cookies allowed. What was connected stays connected: the page where you chose to connect shows it.",
    again: false,
    ends: false,
  },
  flow_already_begun: {
    status: 409,
    title: "This window has done what it was opened for",
    whatThePersonCanDo: `Close it. ${startOver}`,
    again: false,
    ends: false,
  },
  method_not_allowed: {
    status: 405,
    title: "This address does not take such a request",
    whatThePersonCanDo: "Open it in a browser.",
    again: false,
    ends: false,
  },
  too_many_requests: {
    status: 429,
    title: "There were too many attempts from your network",
    whatThePersonCanDo: "Nothing was changed. Wait a minute, then try again.",
    again: false,
    ends: false,
  },
  body_too_large: {
    status: 413,
    title: "This request is too large",
    whatThePersonCanDo: "Send at most 64 KiB.",
    again: false,
    ends: false,
  },
};

/** The same for a person who approved a link code: denied, it has ended; after anything else it is still good. */
export function textForProgram(failure: InstallFailure | RequestFailure): FailureText {
  const text = failureTexts[failure];
  if (failure === "denied") {
    const whatThePersonCanDo =
      "Nothing was connected, and the program that asked is told so. If that was not intended, start again there: it gives you a new code.";
    return { ...text, whatThePersonCanDo, again: false };
  }
  if (!text.again) return text;
  const more = "Your program still waits: the code that it shows is good until ten minutes after it was made.";
  return { ...text, whatThePersonCanDo: `${text.whatThePersonCanDo} ${more}` };
}
