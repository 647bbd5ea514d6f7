import type { Identified } from "../../domain/model/earlier-row.ts";
import type { InspectedFacts, Inspection } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { send } from "../http.ts";
import { inspectionOf, noFacts, wordOf } from "../inspection.ts";
import { arrayAt, idAt, nameAt, recordAt, stringAt, textsAt } from "../json.ts";
import { type GithubSite, unrecognised } from "./api.ts";
import { type GithubAppSite, installationPath, isUnknownApp, parseOwnApp, sendAsApp } from "./app-call.ts";
import { buildTokenCheck, parseTokenCheck } from "./application-token.ts";
import { parseInstallationRefusal } from "./installation-token.ts";
import { parseInstallation, parseInstallationFacts } from "./user-installations.ts";

/**
 * Asks for an installation as the app. A 404 is believed only of one that is gone, asked by the app that we are
 * configured as.
 */
export async function inspectInstallation(site: GithubAppSite, installationId: string): Promise<Inspection> {
  const reply = await sendAsApp(site, "GET", installationPath(installationId));
  if (reply.kind === "unavailable") return reply;
  if (reply.status === 404 && !isUnknownApp(reply)) {
    const doubt = parseOwnApp(await sendAsApp(site, "GET", "/app"), site.appId);
    return doubt ?? { kind: "gone", code: "installation_removed" };
  }
  if (reply.status !== 200) return inspectionOf(parseInstallationRefusal(reply));
  if (idAt(reply.body, "id") !== installationId) return unrecognised(reply);
  const facts = parseInstallationFacts(reply.body);
  return { kind: stringAt(reply.body, "suspended_at") === undefined ? "present" : "suspended", facts };
}

/** Asks as the app whose an installation is. */
export async function identifyInstallation(site: GithubAppSite, installationId: string): Promise<Identified> {
  const reply = await sendAsApp(site, "GET", installationPath(installationId));
  const found = reply.kind === "reply" && reply.status === 200 ? parseInstallation(reply.body, "") : undefined;
  if (found === undefined || found.externalInstallId !== installationId) {
    return { kind: "unknown", code: wordOf(await inspectInstallation(site, installationId)) };
  }
  const { externalOrgId, externalOrgName, permissions } = found;
  return { kind: "identified", facts: { externalOrgId, externalOrgName, permissions } };
}

/** Asks whether a person's token still works, and for what. Spends nothing. */
export async function inspectUserToken(site: GithubSite, token: Secret): Promise<Inspection> {
  const reply = await send(buildTokenCheck(site, token), site);
  const outcome = parseTokenCheck(reply);
  if (outcome.kind !== "confirmed" || reply.kind !== "reply") return inspectionOf(outcome);
  const facts: InspectedFacts = {
    ...noFacts,
    externalOrgName: nameAt(recordAt(reply.body, "user"), "login"),
    scopes: arrayAt(reply.body, "scopes") && textsAt(reply.body, "scopes"),
  };
  return { kind: "present", facts };
}
