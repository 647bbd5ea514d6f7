import type { AccountToken } from "../../../domain/links/account-token.ts";
import type { ForgetAccount } from "../../../domain/links/forget-account.ts";
import type { RotateAccountSecret } from "../../../domain/links/rotate-account-secret.ts";
import type { Admit } from "../../../domain/record/admit.ts";
import type { WebHandler, WebRequest, WebResponse } from "../../handler.ts";
import { hasRepeated, readQuery } from "../../query.ts";
import { bearerOf } from "./bearer.ts";
import { answerInvalid, answerUnknown, refusing } from "./link-answers.ts";
import { payloadJson } from "./payload-json.ts";

/** `GET /v1/tokens/{account_id}`: a fresh token of what a link connected. */
export function accountTokenRoute(accountToken: AccountToken): WebHandler<{ id: string }> {
  return refusing(async (request, response) => {
    const accountSecret = bearerOf(request.headers.authorization);
    if (accountSecret === undefined) return answerUnknown(response);
    const query = readTokenQuery(request);
    if (typeof query === "string") return answerInvalid(response, 400, query);
    const asked = { accountId: request.params.id, accountSecret, ...query };
    const outcome = await accountToken(asked, visitorOf(response));
    if (outcome.kind === "unknown") return answerUnknown(response);
    response.json(payloadJson(outcome.payload));
  });
}

/**
 * `DELETE /v1/tokens/{account_id}`: forgets an account and revokes what its link alone made, for who has its secret and
 * for callers that may revoke. `admitRevoker` is undefined where callers are not told apart: anybody would be one.
 */
export function forgetAccountRoute(
  forgetAccount: ForgetAccount,
  admitRevoker: Admit | undefined,
): WebHandler<{ id: string }> {
  return refusing(async (request, response) => {
    const { id } = request.params;
    const { authorization } = request.headers;
    const secret = bearerOf(authorization);
    if (secret !== undefined) {
      const { kind } = await forgetAccount(id, { secret, from: visitorOf(response) });
      if (kind === "forgotten") return answerForgotten(response);
    }
    // A secret that is none of ours is no proof of a caller either: both are told the same.
    if (admitRevoker === undefined || authorization === undefined) return answerUnknown(response);
    const call = await admitRevoker({ authorization, certificateNames: [] }, visitorOf(response));
    const { kind } = await forgetAccount(id, { call });
    if (kind === "forgotten") answerForgotten(response);
    else answerUnknown(response);
  });
}

/** `POST /v1/tokens/{account_id}/secret`: another secret; the one that is sent works until the new one is used. */
export function rotateSecretRoute(rotateAccountSecret: RotateAccountSecret): WebHandler<{ id: string }> {
  return refusing(async (request, response) => {
    const secret = bearerOf(request.headers.authorization);
    const outcome =
      secret === undefined ? undefined : await rotateAccountSecret(request.params.id, secret, visitorOf(response));
    if (outcome?.kind !== "rotated") return answerUnknown(response);
    response.json({ account_id: request.params.id, account_secret: outcome.secret.reveal() });
  });
}

function answerForgotten(response: WebResponse): void {
  response.json({ success: true });
}

function visitorOf({ locals: { address, requestId } }: WebResponse) {
  return { address, requestId };
}

/** A misspelt `rejected_token_id` would give the rejected token again. A text: what is wrong with the query. */
function readTokenQuery(
  request: Pick<WebRequest, "originalUrl">,
): { readonly rejectedTokenId: string | undefined } | string {
  const query = readQuery(request);
  if (query === undefined) return "query: must be percent-encoded UTF-8";
  if (hasRepeated(query)) return "query: must name each parameter once";
  const { rejected_token_id: rejectedTokenId, ...others } = Object.fromEntries(query);
  if (Object.keys(others).length > 0) return "query: this route knows rejected_token_id alone";
  if ((rejectedTokenId?.length ?? 0) > longestId) return `rejected_token_id: must have at most ${longestId} characters`;
  return { rejectedTokenId: rejectedTokenId || undefined };
}

const longestId = 128;
