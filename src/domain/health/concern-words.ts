import type { ConcernKind, Finding } from "./concern.ts";

interface Words {
  readonly what: string;
  /** What a person can do about it. */
  readonly remedy: string;
}

/** What is wrong and what to do, for people: in the console and in alerts. Plain text. */
export function describeConcern({ kind, detail, actBefore }: Omit<Finding, "since">): Words {
  const { what, remedy } = words[kind];
  const exactly = detail === undefined ? "" : ` (${detail})`;
  const until = actBefore === undefined ? "" : ` on ${actBefore.toISOString().slice(0, 10)}`;
  return { what: `${what}${until}${exactly}.`, remedy };
}

const words: Readonly<Record<ConcernKind, Words>> = {
  reauthorization_required: {
    what: "The platform refuses this connection for good",
    remedy: "Connect it again.",
  },
  suspended: {
    what: "This installation is suspended at the platform",
    remedy: "Ask the organization's owner to lift the suspension.",
  },
  repeated_failures: {
    what: "No new token has been obtained for a long time",
    remedy:
      "See last_error and the service's log; if the platform refuses this organization, ask its owner to let the app in.",
  },
  absolute_end: {
    what: "This connection's grant ends, whatever is refreshed,",
    remedy: "Connect it again before then.",
  },
  idle_end: {
    what: "This connection's grant has not been refreshed for long, and ends",
    remedy: "See why it is not kept alive (last_error, the platform's settings), or connect it again before then.",
  },
  permissions_pending: {
    what: "The app asks for permissions that were not approved",
    remedy: "Ask the organization's owner to accept them on the installation's settings page at the platform.",
  },
  silent_webhooks: {
    what: "The platform sends no events of this connection",
    remedy: "See that the public address can be reached, and that the app is shared or owned by who connected.",
  },
};
