import type { CredentialSecrets, Inspection } from "../../domain/model/platform.ts";
import { type SendOptions, send, unavailable } from "../http.ts";
import { inspectionOf, noFacts, nothingToAskWith } from "../inspection.ts";
import { mintRefusal } from "../refusals.ts";
import { readSentryInstallation, sentryInstallationRequest, sentryInstalledRequest } from "./installation.ts";
import { sentryOrganizationName } from "./organization-name.ts";
import { parseSentryAnswer } from "./reply.ts";

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
  if (found.status === "pending") await send(sentryInstalledRequest(sentryUrl, uuid, accessToken), client);
  const externalOrgName = await sentryOrganizationName(client, found, accessToken);
  return { kind: "present", facts: { ...noFacts, externalOrgName, metadata: found.metadata } };
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
