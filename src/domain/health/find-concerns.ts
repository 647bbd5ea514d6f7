import type { Platform } from "../model/platform.ts";
import type { ConcernKind, Finding } from "./concern.ts";
import type { ConnectionFacts, GrantFacts, WebhookFacts } from "./connection-facts.ts";

const dayMs = 86_400_000;
/** How long before a grant's end a person hears of it. */
export const warnMs = 30 * dayMs;
/** A grant that fails for so long, with others served for as long meanwhile; whatever the others, after so long. */
export const failingMs = { alone: 3_600_000, othersServed: 1_800_000, anyway: 86_400_000 };
const fewestFailures = 3;
/** Attempts to register a webhook that failed in a row: about an hour of them. */
const fewestRegistrations = 7;

/** What is known of a connection's platform at the moment. */
export interface PlatformNow {
  readonly platform: Pick<Platform, "grantEnds" | "keepAliveMs" | "approvals">;
  /** When it last gave or confirmed anybody's token. */
  readonly lastProven: Date | undefined;
  /** What the app asks for; undefined: not known now. */
  readonly wanted: Readonly<Record<string, string>> | undefined;
}

/** What is wrong with a connection, and what cannot be said now. Pure. `known`: undefined where it is not configured. */
export function findConcerns(
  { installation, grants, webhook }: ConnectionFacts,
  known: PlatformNow | undefined,
  now: Date,
): { readonly findings: readonly Finding[]; readonly undecided: readonly ConcernKind[] } {
  const { status, updatedAt } = installation;
  if (status === "reauthorization_required" || status === "suspended") {
    const natural = grants.find((grant) => grant.natural);
    const detail = status === "suspended" ? undefined : natural?.lastError;
    return { findings: [{ kind: status, since: updatedAt, detail, actBefore: undefined }], undecided: [] };
  }
  if (status !== "active") return { findings: [], undecided: [] };
  const live = grants.filter((grant) => grant.status === "active");
  const findings = [
    earliest(live.map((grant) => absoluteEnd(grant, known, now))),
    earliest(live.map((grant) => known && idleEnd(grant, known, now))),
    longest(live.map((grant) => failing(grant, known, now))),
    webhook && silence(webhook, now),
    known && pendingPermissions(installation, known, now),
  ].filter((finding) => finding !== undefined);
  return { findings, undecided: undecided(known) };
}

/** Without its platform nobody knows how long a grant may rest, or how others fare; nor, while it does not say, what the app asks for. */
function undecided(known: PlatformNow | undefined): readonly ConcernKind[] {
  if (known === undefined) return ["idle_end", "permissions_pending", "repeated_failures"];
  return known.platform.approvals !== undefined && known.wanted === undefined ? ["permissions_pending"] : [];
}

function absoluteEnd({ endsAt }: GrantFacts, known: PlatformNow | undefined, now: Date): Finding | undefined {
  if (endsAt === undefined || known?.platform.grantEnds?.moves === true) return undefined;
  if (endsAt.getTime() - now.getTime() > warnMs) return undefined;
  return { kind: "absolute_end", since: now, detail: undefined, actBefore: endsAt };
}

/** Only what is not kept alive, as it should be, comes near to such an end. */
function idleEnd(
  { kind, refreshedAt, endsAt }: GrantFacts,
  { platform: { grantEnds, keepAliveMs = 0 } }: PlatformNow,
  now: Date,
): Finding | undefined {
  if (kind !== "rotating" || refreshedAt === undefined || grantEnds === undefined) return undefined;
  const restsSince = refreshedAt.getTime();
  const endMs = grantEnds.moves ? endsAt?.getTime() : restsSince + grantEnds.restMs;
  if (endMs === undefined) return undefined;
  // Half of the time that is left once it should have been refreshed: a try that failed is no news yet.
  const ahead = Math.min(warnMs, (endMs - restsSince - keepAliveMs) / 2);
  if (endMs - now.getTime() > ahead) return undefined;
  return { kind: "idle_end", since: refreshedAt, detail: undefined, actBefore: new Date(endMs) };
}

/** While nobody is served the trouble is the platform's, and not a thousand connections'. */
function failing(
  { failures, failingSince, lastError }: GrantFacts,
  known: PlatformNow | undefined,
  now: Date,
): Finding | undefined {
  if (failingSince === undefined || failures < fewestFailures) return undefined;
  const since = failingSince.getTime();
  const forMs = now.getTime() - since;
  const othersForMs = (known?.lastProven?.getTime() ?? Number.NEGATIVE_INFINITY) - since;
  const isAlone = forMs >= failingMs.alone && othersForMs >= failingMs.othersServed;
  if (!isAlone && forMs < failingMs.anyway) return undefined;
  return { kind: "repeated_failures", since: failingSince, detail: lastError, actBefore: undefined };
}

function silence({ silentSince, error, failures }: WebhookFacts, now: Date): Finding | undefined {
  const kind = "silent_webhooks";
  if (error !== undefined && failures >= fewestRegistrations) {
    return { kind, since: now, detail: error, actBefore: undefined };
  }
  return silentSince && { kind, since: silentSince, detail: undefined, actBefore: undefined };
}

function pendingPermissions(
  installation: ConnectionFacts["installation"],
  { platform: { approvals }, wanted }: PlatformNow,
  now: Date,
): Finding | undefined {
  if (approvals === undefined || wanted === undefined) return undefined;
  const lacking = approvals.lacking(installation, wanted);
  if (lacking.length === 0) return undefined;
  const detail = lacking.slice(0, mostNamed).join(", ") + (lacking.length > mostNamed ? ", …" : "");
  return { kind: "permissions_pending", since: now, detail, actBefore: undefined };
}

/** An app may ask for several dozen permissions. */
const mostNamed = 10;

function earliest(found: readonly (Finding | undefined)[]): Finding | undefined {
  const end = ({ actBefore }: Finding) => actBefore?.getTime() ?? 0;
  return found.filter((one) => one !== undefined).toSorted((a, b) => end(a) - end(b))[0];
}

function longest(found: readonly (Finding | undefined)[]): Finding | undefined {
  return found.filter((one) => one !== undefined).toSorted((a, b) => a.since.getTime() - b.since.getTime())[0];
}
