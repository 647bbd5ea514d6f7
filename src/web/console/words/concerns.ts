import type { ConcernKind, Finding } from "../../../domain/health/concern.ts";
import { describeConcern } from "../../../domain/health/concern-words.ts";
import { type Html, html } from "../../html.ts";
import { needsPerson } from "./statuses.ts";
import { timeOf } from "./times.ts";

/** How each kind is called where there is room for a few words. */
export const concernNames: Readonly<Record<ConcernKind, string>> = {
  reauthorization_required: "Has to be connected again",
  suspended: "Suspended",
  repeated_failures: "No new token for long",
  absolute_end: "The grant ends",
  idle_end: "The grant ends unused",
  permissions_pending: "Permissions not approved",
  silent_webhooks: "No events arrive",
};

/** Beside a status, which says by itself what has stopped: what will need a person, in a few words. */
export function concernMark(status: string, concerns: readonly Finding[], now: Date): Html | undefined {
  const further = concerns.filter(({ kind }) => kind !== "reauthorization_required" && kind !== "suspended");
  // What has just stopped is not on the list yet.
  if (!needsPerson(status) && concerns.length === 0) return undefined;
  return html` <span class="quiet">needs a person</span>${further.map(
    ({ kind, actBefore }) =>
      html` <span class="mark waiting">${concernNames[kind]}${actBefore && html` ${timeOf(actBefore, now)}`}</span>`,
  )}`;
}

/** Each with what is wrong and what to do; undefined: nothing is. */
export function concernNotes(concerns: readonly Finding[], now: Date): Html | undefined {
  if (concerns.length === 0) return undefined;
  return html`<div class="note"><h3>Needs a person</h3><ul>${concerns.map((concern) => {
    const { what, remedy } = describeConcern(concern);
    return html`<li>${what} ${remedy} <span class="quiet">Since ${timeOf(concern.since, now)}.</span></li>`;
  })}</ul></div>`;
}
