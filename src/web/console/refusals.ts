/** What the console takes from nobody. */
export type Refusal =
  | "form_foreign"
  | "form_stale"
  | "form_unreadable"
  | "form_too_large"
  | "form_no_room"
  | "not_found"
  | "method_not_allowed"
  | "invalid_request"
  | "internal_error";

interface RefusalTexts {
  readonly status: number;
  readonly title: string;
  readonly text: string;
}

export const refusals: Record<Refusal, RefusalTexts> = {
  form_foreign: {
    status: 403,
    title: "Not from a page of the console",
    text: "What was sent came from another site, or from another port of this machine. Nothing was done.",
  },
  form_stale: {
    status: 403,
    title: "This form is too old",
    text: "It was shown to another session, to one that has ended, or the browser keeps no cookies of this address. Nothing was done: open the page again, and send it from there.",
  },
  form_unreadable: { status: 400, title: "That is no form of the console", text: "Nothing was done." },
  form_too_large: {
    status: 413,
    title: "That is too much",
    text: "It is longer than any form here. Nothing was done.",
  },
  form_no_room: {
    status: 503,
    title: "Too busy just now",
    text: "Nothing was done. Send it again in a moment.",
  },
  not_found: { status: 404, title: "No such page", text: "The console has no page at this address." },
  method_not_allowed: {
    status: 405,
    title: "Nothing is done here that way",
    text: "This address is for looking, or for sending its form, and for nothing else.",
  },
  invalid_request: { status: 400, title: "That is no address", text: "It is not percent-encoded as addresses are." },
  internal_error: {
    status: 500,
    title: "Something went wrong here",
    text: "It is in the log of the service, under the id of this request.",
  },
};
