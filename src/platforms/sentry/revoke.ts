import type { CredentialSecrets, RevokeOutcome } from "../../domain/model/platform.ts";
import type { Secret } from "../../secret.ts";
import { type SendOptions, send } from "../http.ts";
import { sentryUninstallRequest } from "./installation.ts";
import { mintSentryToken, type SentryMinter } from "./mint.ts";
import { parseSentryAnswer } from "./reply.ts";
import type { SentryClient } from "./token.ts";

/** Uninstalls the integration. The token that it takes may have ended: then with one obtained for nothing else. */
export async function uninstallSentry(
  client: SentryMinter,
  credential: Pick<CredentialSecrets, "subject" | "accessToken" | "refreshToken">,
): Promise<RevokeOutcome> {
  const { subject: uuid, accessToken } = credential;
  const first = accessToken && (await uninstall(client, uuid, accessToken));
  if (first !== undefined && first !== "token_ended") return first;
  const outcome = await mintSentryToken(client, credential);
  switch (outcome.kind) {
    case "minted": {
      const second = await uninstall(client, uuid, outcome.tokens.token.value);
      return second === "token_ended" ? { kind: "failed", cause: "token_refused" } : second;
    }
    case "rejected":
      return outcome.uninstalled === true ? { kind: "revoked" } : { kind: "failed", cause: outcome.code };
    case "unavailable":
      return { kind: "failed", cause: outcome.cause };
    default:
      return { kind: "failed", cause: outcome.kind };
  }
}

async function uninstall(
  client: SentryClient & SendOptions,
  uuid: string,
  accessToken: Secret,
): Promise<RevokeOutcome | "token_ended"> {
  const reply = await send(sentryUninstallRequest(client.sentryUrl, uuid, accessToken), client);
  if (reply.kind === "reply" && reply.status === 401) return "token_ended";
  const answer = parseSentryAnswer(reply);
  switch (answer.kind) {
    case "ok":
      return { kind: "revoked" };
    case "refused":
      if (answer.code === "installation_unknown") return { kind: "revoked" };
      return answer.code === "not_permitted" ? { kind: "unsupported" } : { kind: "failed", cause: answer.code };
    case "rate_limited":
      return { kind: "failed", cause: "rate_limited" };
    case "unavailable":
      return { kind: "failed", cause: answer.cause };
  }
}
