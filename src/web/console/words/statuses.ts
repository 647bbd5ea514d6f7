import { type Html, html } from "../../html.ts";

interface StatusWords {
  readonly label: string;
  readonly tone: "success" | "waiting" | "failure" | "quiet";
}

/** What there is to choose among, and how each is called. */
export const statuses: Readonly<Record<string, StatusWords>> = {
  ACTIVE: { label: "Active", tone: "success" },
  PENDING: { label: "Not completed yet", tone: "waiting" },
  SUSPENDED: { label: "Suspended", tone: "failure" },
  REAUTHORIZATION_REQUIRED: { label: "Has to be connected again", tone: "failure" },
  REVOKED: { label: "Revoked", tone: "quiet" },
};

export function statusMark(status: string): Html {
  const { label, tone } = statuses[status] ?? { label: status, tone: "quiet" };
  return html`<span class="mark ${tone}">${label}</span>`;
}

/** Whether nothing but a person helps. */
export function needsPerson(status: string): boolean {
  return status === "SUSPENDED" || status === "REAUTHORIZATION_REQUIRED";
}
