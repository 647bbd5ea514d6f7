import type { Secret } from "../../secret.ts";
import { type SendOptions, send } from "../http.ts";
import { idAt, nameAt } from "../json.ts";
import { type SentryInstallation, sentryOrganizationRequest } from "./installation.ts";
import { parseSentryAnswer } from "./reply.ts";

/** The organization's name for people; undefined where the integration may not read it, or Sentry does not say. */
export async function sentryOrganizationName(
  client: SendOptions & { readonly sentryUrl: string },
  { organizationId, organizationSlug }: SentryInstallation,
  accessToken: Secret,
): Promise<string | undefined> {
  const request = sentryOrganizationRequest(client.sentryUrl, organizationSlug, accessToken);
  const answer = parseSentryAnswer(await send(request, client));
  if (answer.kind !== "ok" || idAt(answer.reply.body, "id") !== organizationId) return undefined;
  return nameAt(answer.reply.body, "name");
}
