import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  Actor as ActorMessage,
  type GetTokenRequest as RequestMessage,
} from "../../../gen/oauth/token/v1/token_service_pb.js";
import { permissionLevels } from "../../domain/access/permission-ceiling.ts";
import type { Actor } from "../../domain/model/credential.ts";
import type { Narrowing } from "../../domain/model/platform.ts";
import type { GetToken, GetTokenRequest } from "../../domain/tokens/get-token.ts";
import type { IssuedToken } from "../../domain/tokens/issued-token.ts";
import { perObject } from "../../work/per-object.ts";
import { milliseconds } from "../durations.ts";
import { given } from "../given.ts";
import type { Method } from "../method.ts";
import type { ResponseOf } from "../rpc-names.ts";
import { definedValue, durationBetween, type Found, maxItems, storable, textLength, uuid } from "../rule-checks.ts";

export const getToken: Method<"getToken", GetToken> = {
  rules(request, found) {
    storable(found, "platform", request.platform, 64);
    if (request.installationId !== "") uuid(found, "installation_id", request.installationId);
    storable(found, "external_org_id", request.externalOrgId, 256);
    storable(found, "external_install_id", request.externalInstallId, 256);
    storable(found, "owner", request.owner, 256);
    definedValue(found, "actor", request.actor, ActorMessage);
    storable(found, "external_user_id", request.externalUserId, 256);
    durationBetween(found, "min_ttl", request.minTtl, 0, yearSeconds);
    textLength(found, "rejected_token_id", request.rejectedTokenId, 0, 128);
    narrowing(found, "", request);
    if (request.github !== undefined) narrowing(found, "github.", request.github);
    if (request.installationId === "" && request.platform === "") {
      found.push({ field: "platform", description: "name an installation_id, or a platform" });
    }
    if (request.github !== undefined && isNarrow(request.github) && isNarrow(request)) {
      const description = "narrow with github or with the fields that are short for it, not both";
      found.push({ field: "github", description });
    }
  },

  /** Requests that a door remembers, and tokens that come again, are translated once. */
  run(getToken) {
    const toRequest = perObject(toGetTokenRequest);
    const toResponse = perObject(toGetTokenResponse);
    return (request, call) => {
      const issued = getToken(toRequest(request), call);
      return issued instanceof Promise ? issued.then(toResponse) : toResponse(issued);
    };
  },
};

const yearSeconds = 31_536_000;
const permissionName = /^[a-z][a-z_]{0,99}$/;

function narrowing(found: Found, prefix: string, fields: Narrowing): void {
  const { repositoryIds, repositories } = fields;
  maxItems(found, `${prefix}repository_ids`, repositoryIds.length, 500);
  for (const [index, id] of repositoryIds.entries()) {
    if (id <= 0n) found.push({ field: `${prefix}repository_ids[${index}]`, description: "must be greater than 0" });
  }
  maxItems(found, `${prefix}repositories`, repositories.length, 500);
  for (const [index, name] of repositories.entries()) {
    const field = `${prefix}repositories[${index}]`;
    textLength(found, field, name, 1, 100);
    if (name.includes("/")) found.push({ field, description: "must be a name without its owner" });
  }
  if (repositoryIds.length > 0 && repositories.length > 0) {
    found.push({ field: `${prefix}repositories`, description: "give repository_ids or repositories, not both" });
  }
  permissions(found, `${prefix}permissions`, fields.permissions);
}

function permissions(found: Found, path: string, levels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(levels);
  maxItems(found, path, entries.length, 100);
  for (const [name, level] of entries) {
    const field = `${path}[${JSON.stringify(name)}]`;
    if (!permissionName.test(name)) found.push({ field, description: "must be a permission such as contents" });
    if (!permissionLevels.includes(level)) found.push({ field, description: "must be read, write or admin" });
  }
}

function isNarrow({ repositoryIds, repositories, permissions }: Narrowing): boolean {
  return repositoryIds.length > 0 || repositories.length > 0 || Object.keys(permissions).length > 0;
}

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
function toGetTokenResponse(issued: IssuedToken): ResponseOf<"getToken"> {
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
  if (message === undefined || !isNarrow(message)) return undefined;
  const { repositoryIds, repositories, permissions } = message;
  return { repositoryIds, repositories, permissions };
}
