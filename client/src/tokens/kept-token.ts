import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { GetTokenResponse } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Token } from "../token-client.ts";

/** A token as it is remembered; who asks for it gets a copy. */
export type KeptToken = Readonly<Omit<Token, "expireTime">> & { readonly expireTime: number | undefined };

export function keptToken(answer: GetTokenResponse): KeptToken {
  const { accessToken, tokenType, scopes, permissions, installationId, externalOrgId, tokenId, apiBaseUrl } = answer;
  return {
    ...{ accessToken, tokenType, scopes, permissions, installationId, externalOrgId, tokenId, apiBaseUrl },
    expireTime: answer.expireTime === undefined ? undefined : timestampDate(answer.expireTime).getTime(),
    source: "service",
  };
}

/** Node's inspection, and so its console, does not show the secret; JSON has it, for who passes a token on. */
class InspectableToken {
  [Symbol.for("nodejs.util.inspect.custom")](): object {
    const { accessToken: _, ...shown } = this as unknown as Token;
    return { accessToken: "[hidden]", ...shown };
  }
}

export function copyOf(kept: KeptToken): Token {
  const { expireTime, ...rest } = kept;
  const token: Token = Object.assign(new InspectableToken(), rest);
  token.scopes = [...kept.scopes];
  token.permissions = { ...kept.permissions };
  if (expireTime !== undefined) token.expireTime = new Date(expireTime);
  return token;
}
