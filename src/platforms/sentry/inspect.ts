import type { EarlierRow, Identified } from "../../domain/model/earlier-row.ts";
import type { ConfirmOutcome, CredentialSecrets, Inspection } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { type SendOptions, send, unavailable } from "../http.ts";
import { inspectionOf, noFacts, nothingToAskWith } from "../inspection.ts";
import { mintRefusal } from "../refusals.ts";
import { readSentryInstallation, sentryInstallationRequest, sentryInstalledRequest } from "./installation.ts";
import { sentryOrganizationName } from "./organization-name.ts";
import { parseSentryAnswer } from "./reply.ts";

/** "Verify Install": the installation is `pending` there until then, where the integration has that on. */
export async function confirmSentry(
  client: SendOptions & { readonly sentryUrl: string },
  uuid: string,
  accessToken: Secret,
): Promise<ConfirmOutcome> {
  const answer = parseSentryAnswer(await send(sentryInstalledRequest(client.sentryUrl, uuid, accessToken), client));
  switch (answer.kind) {
    case "ok":
      return { kind: "confirmed" };
    case "refused":
      return answer.code === "invalid_token" ? { kind: "token_rejected" } : { kind: "failed", code: answer.code };
    case "rate_limited":
      return { kind: "failed", code: "rate_limited" };
    case "unavailable":
      return { kind: "failed", code: answer.cause };
  }
}

/**
 * Asks with a token of the installation. A token that is refused says nothing of itself: tokens end with the installation,
 * and by the clock. What could not be told at the install, that it is finished, is told now.
 */
export async function inspectSentry(
  client: SendOptions & { readonly sentryUrl: string },
  { subject: uuid, accessToken }: Pick<CredentialSecrets, "subject" | "accessToken">,
): Promise<Inspection> {
  if (accessToken === undefined) return nothingToAskWith;
  const { sentryUrl } = client;
  const answer = parseSentryAnswer(await send(sentryInstallationRequest(sentryUrl, uuid, accessToken), client));
  if (answer.kind === "refused") return inspectionOfRefusal(answer.code);
  if (answer.kind !== "ok") return answer;
  const found = readSentryInstallation(answer.reply.body, uuid);
  if (found === undefined) return unavailable("unreadable_body", true);
  if (found.status === "pending_deletion") return { kind: "gone", code: "pending_deletion" };
  if (found.status === "pending") await confirmSentry(client, uuid, accessToken);
  const externalOrgName = await sentryOrganizationName(client, found, accessToken);
  return { kind: "present", facts: { ...noFacts, externalOrgName, metadata: found.metadata } };
}

/** Asks whose an installation is with a token of it. */
export async function identifySentry(
  client: SendOptions & { readonly sentryUrl: string },
  { externalInstallId: uuid, accessToken }: Pick<EarlierRow, "externalInstallId" | "accessToken">,
): Promise<Identified> {
  if (uuid === undefined || accessToken === undefined) return { kind: "unknown", code: "no_token" };
  const answer = parseSentryAnswer(await send(sentryInstallationRequest(client.sentryUrl, uuid, accessToken), client));
  const found = answer.kind === "ok" ? readSentryInstallation(answer.reply.body, uuid) : undefined;
  if (found === undefined) return { kind: "unknown", code: answer.kind === "refused" ? answer.code : "unavailable" };
  const { organizationId: externalOrgId, organizationSlug: externalOrgName } = found;
  return { kind: "identified", facts: { externalOrgId, externalOrgName } };
}

function inspectionOfRefusal(code: string): Inspection {
  switch (code) {
    case "installation_unknown":
      return { kind: "gone", code };
    case "invalid_token":
      return { kind: "grant_dead", code };
    // Whoever is let in and may not look is there.
    case "not_permitted":
      return { kind: "present", facts: noFacts };
    default:
      return inspectionOf(mintRefusal(undefined, code));
  }
}
