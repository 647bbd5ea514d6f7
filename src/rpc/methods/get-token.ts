import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  Actor as ActorMessage,
  type GetTokenRequest as RequestMessage,
} from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Actor } from "../../domain/model/credential.ts";
import type { Narrowing } from "../../domain/model/platform.ts";
import type { GetTokenRequest } from "../../domain/tokens/get-token.ts";
import type { IssuedToken } from "../../domain/tokens/issued-token.ts";
import { milliseconds } from "../durations.ts";
import { given } from "../given.ts";
import type { ResponseOf } from "../rpc-names.ts";

/** GetTokenRequest as the use case takes it: what is empty was not given. */
export function toGetTokenRequest(request: RequestMessage): GetTokenRequest {
  const { minTtl } = request;
  return {
    selector: {
      installationId: given(request.installationId),
      platform: given(request.platform),
      externalOrgId: given(request.externalOrgId),
      externalInstallId: given(request.externalInstallId),
      owner: given(request.owner),
      actor: actors[request.actor],
      externalUserId: given(request.externalUserId),
    },
    minTtlMs: minTtl === undefined ? undefined : milliseconds(minTtl),
    rejectedTokenId: given(request.rejectedTokenId),
    narrowing: toNarrowing(request.github) ?? toNarrowing(request),
  };
}

/** The one place where a token leaves its wrapper for a response. */
export function toGetTokenResponse(issued: IssuedToken): ResponseOf<"getToken"> {
  return {
    accessToken: issued.token.reveal(),
    tokenType: issued.tokenType,
    ...(issued.expiresAt === undefined ? {} : { expireTime: timestampFromDate(issued.expiresAt) }),
    scopes: [...issued.scopes],
    permissions: issued.permissions,
    installationId: issued.installationId,
    externalOrgId: issued.externalOrgId,
    tokenId: issued.tokenId,
    apiBaseUrl: issued.apiBaseUrl,
  };
}

const actors: Record<ActorMessage, Actor | undefined> = {
  [ActorMessage.UNSPECIFIED]: undefined,
  [ActorMessage.APP]: "app",
  [ActorMessage.USER]: "user",
};

/** Undefined where nothing is narrowed, even if the message is there. */
function toNarrowing(message: Narrowing | undefined): Narrowing | undefined {
  if (message === undefined) return undefined;
  const { repositoryIds, repositories, permissions } = message;
  const isNarrow = repositoryIds.length > 0 || repositories.length > 0 || Object.keys(permissions).length > 0;
  return isNarrow ? { repositoryIds, repositories, permissions } : undefined;
}
