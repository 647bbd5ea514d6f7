import type { ListInstallationsRequest } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { InstallationFilter } from "../../domain/model/installation.ts";
import { given } from "../given.ts";
import { toInstallationStatus } from "../installation-messages.ts";

/** What a list is restricted to: what is empty restricts nothing. */
export function toInstallationFilter(request: ListInstallationsRequest): InstallationFilter {
  return {
    platform: given(request.platform),
    status: toInstallationStatus(request.status),
    externalOrgId: given(request.externalOrgId),
    externalInstallId: given(request.externalInstallId),
    owner: given(request.owner),
  };
}
