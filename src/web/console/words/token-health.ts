import type { ListedInstallation } from "../installation.ts";
import { fromNow } from "./times.ts";

/** How the token is, in a sentence or two. */
export function tokenHealth(installation: ListedInstallation, now: Date): string {
  const { status } = installation;
  switch (status) {
    case "PENDING":
      return "Kept back until the product completes the connection.";
    case "SUSPENDED":
      return "Not handed out: the organization has suspended this app at the platform.";
    case "REAUTHORIZATION_REQUIRED":
      return `Refused by the platform${because(installation)}: a person has to connect it again.`;
    case "REVOKED":
      return "Deleted.";
    default:
      return `${presentToken(installation, now)}${lastTry(installation, now)}`;
  }
}

function presentToken({ tokenExpireTime, lastRefreshTime }: ListedInstallation, now: Date): string {
  if (tokenExpireTime !== undefined) {
    return tokenExpireTime > now
      ? `Expires ${fromNow(tokenExpireTime, now)}.`
      : `Expired ${fromNow(tokenExpireTime, now)}; renewed when it is asked for.`;
  }
  return lastRefreshTime === undefined ? "None yet: obtained when it is first asked for." : "Does not expire.";
}

function lastTry(installation: ListedInstallation, now: Date): string {
  const { lastRefreshTime } = installation;
  const refreshed = lastRefreshTime === undefined ? "" : ` Last refresh ${fromNow(lastRefreshTime, now)}.`;
  return hasFailed(installation) ? `${refreshed} The last try failed${because(installation)}.` : refreshed;
}

/** Whether the last try for a token failed; what stands there of webhooks is about something else. */
export function hasFailed({ lastError }: Pick<ListedInstallation, "lastError">): boolean {
  return lastError !== "" && !lastError.startsWith("webhook:");
}

function because(installation: ListedInstallation): string {
  return hasFailed(installation) ? ` (${installation.lastError})` : "";
}
