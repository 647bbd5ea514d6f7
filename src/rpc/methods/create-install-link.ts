import type { CreateInstallLinkRequest } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { InstallLinkRequest } from "../../domain/connecting/create-install-link.ts";
import { milliseconds } from "../durations.ts";
import { given } from "../given.ts";

/** CreateInstallLinkRequest as the use case takes it: what is empty was not given. */
export function toInstallLinkRequest(request: CreateInstallLinkRequest): InstallLinkRequest {
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
