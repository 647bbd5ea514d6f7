import type { KeyObject } from "node:crypto";
import { type PlatformReply, type PlatformRequest, type Reply, send } from "../http.ts";
import { idAt } from "../json.ts";
import type { KeptFields } from "../kept-json.ts";
import { apiRequest, type GithubSite, messageOf, type NoAnswer, unrecognised } from "./api.ts";
import { blamesClock, signAppJwt } from "./app-jwt.ts";

/** What is needed to speak as the app. */
export interface GithubAppSite extends GithubSite {
  /** The numeric app id, in digits. */
  readonly appId: string;
  readonly key: KeyObject;
  /** How far GitHub's clock is ahead of ours, as far as it complained: what proves us is judged by GitHub's. */
  readonly clock: { aheadMs: number };
  /** What the app calls itself: its client id, or the app id once only that was accepted. */
  readonly issuer: { id: string };
}

/**
 * Sends one request as the app. When GitHub blames our clock, it is sent once more with GitHub's own time, which is used
 * from then on: a 401 did nothing, so this is safe for every method.
 */
export async function sendAsApp(
  site: GithubAppSite,
  method: PlatformRequest["method"],
  path: string,
  body?: unknown,
  keep?: KeptFields,
): Promise<PlatformReply> {
  const sendOnce = async (issuer: string): Promise<PlatformReply> => {
    const jwt = await signAppJwt(site.key, issuer, new Date(site.now().getTime() + site.clock.aheadMs));
    const request = apiRequest(method, site.apiUrl + path, `Bearer ${jwt}`, body);
    return send(keep === undefined ? request : { ...request, keep }, site);
  };
  const known = site.issuer.id;
  const first = await sendInTime(known);
  return isRefusedIssuer(first) && known !== site.appId ? asAppId(first) : first;

  async function sendInTime(issuer: string): Promise<PlatformReply> {
    const reply = await sendOnce(issuer);
    if (!complainsOfClock(reply)) return reply;
    site.clock.aheadMs = reply.receivedAt.getTime() - site.now().getTime();
    return sendOnce(issuer);
  }

  /** Enterprise Server before 3.14 knows the app by its id alone. */
  async function asAppId(refusal: PlatformReply): Promise<PlatformReply> {
    const second = await sendInTime(site.appId);
    if (second.kind !== "reply" || second.status === 401 || isUnknownApp(second)) return refusal;
    site.issuer.id = site.appId;
    return second;
  }
}

function isRefusedIssuer(reply: PlatformReply): boolean {
  return reply.kind === "reply" && reply.status === 401 && !blamesClock(messageOf(reply));
}

/** The path of an installation, as the app sees it. */
export function installationPath(installationId: string): string {
  return `/app/installations/${encodeURIComponent(installationId)}`;
}

/**
 * Reads an answer to the app that is neither a success nor about the installation: a 401, and a 404 for an app that
 * does not exist, are our own registration's trouble.
 */
export function parseAppRefusal(reply: Reply): NoAnswer {
  if (reply.status === 401) {
    return { kind: "misconfigured", code: blamesClock(messageOf(reply)) ? "clock_drift" : "app_key_refused" };
  }
  return isUnknownApp(reply) ? { kind: "misconfigured", code: "app_not_found" } : unrecognised(reply);
}

/** Whether a 404 says that our app, rather than the installation, does not exist. */
export function isUnknownApp(reply: Reply): boolean {
  return reply.status === 404 && /integration not found/i.test(messageOf(reply));
}

/** Reads `GET /app`: undefined if we are the configured app, else why nothing can be concluded. */
export function parseOwnApp(reply: PlatformReply, appId: string): NoAnswer | undefined {
  if (reply.kind === "unavailable") return reply;
  if (reply.status === 404) return { kind: "misconfigured", code: "app_not_found" };
  if (reply.status !== 200) return parseAppRefusal(reply);
  const id = idAt(reply.body, "id");
  if (id === undefined) return unrecognised(reply);
  return id === appId ? undefined : { kind: "misconfigured", code: "app_id_mismatch" };
}

function complainsOfClock(reply: PlatformReply): reply is Reply {
  return reply.kind === "reply" && reply.status === 401 && reply.headers.has("date") && blamesClock(messageOf(reply));
}
