import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { CreateInstallLinkRequest } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { CreateInstallLink, InstallLinkRequest } from "../../domain/connecting/create-install-link.ts";
import { milliseconds } from "../durations.ts";
import { given } from "../given.ts";
import type { Method } from "../method.ts";
import { durationBetween, maxItems, storable, textLength, uuid } from "../rule-checks.ts";

export const createInstallLink: Method<"createInstallLink", CreateInstallLink> = {
  rules(request, found) {
    storable(found, "platform", request.platform, 64, 1);
    storable(found, "owner", request.owner, 256);
    storable(found, "return_to", request.returnTo, 2048);
    durationBetween(found, "ttl", request.ttl, 0, daySeconds);
    maxItems(found, "scopes", request.scopes.length, 100);
    for (const [index, scope] of request.scopes.entries()) {
      const field = `scopes[${index}]`;
      textLength(found, field, scope, 1, 200);
      if (!scopeToken.test(scope)) found.push({ field, description: "must be one scope (RFC 6749 section 3.3)" });
    }
    if (request.installationId !== "") uuid(found, "installation_id", request.installationId);
  },

  run: (createInstallLink) => async (request, call) => {
    const { url, expiresAt } = await createInstallLink(toInstallLinkRequest(request), call);
    return { url: url.reveal(), expireTime: timestampFromDate(expiresAt) };
  },
};

const daySeconds = 86_400;
const scopeToken = /^[!#-[\]-~]+$/;

/** What is empty was not given. */
function toInstallLinkRequest(request: CreateInstallLinkRequest): InstallLinkRequest {
  return {
    platform: request.platform,
    owner: given(request.owner),
    returnTo: given(request.returnTo),
    ttlMs: request.ttl === undefined ? undefined : milliseconds(request.ttl),
    scopes: request.scopes,
    installationId: given(request.installationId),
    completeInCallback: request.completeInCallback,
    confirmPage: request.confirmPage,
  };
}
