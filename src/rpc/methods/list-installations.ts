import { InstallationStatus } from "../../../gen/oauth/token/v1/installation_pb.js";
import type { ListInstallationsRequest } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { ListInstallations } from "../../domain/installations/list-installations.ts";
import type { SearchableFilter } from "../../domain/model/installation.ts";
import { given } from "../given.ts";
import { toInstallationMessage, toInstallationStatus } from "../installation-messages.ts";
import type { Method } from "../method.ts";
import { pageSize } from "../page-tokens.ts";
import { definedValue, pageAsked, storable } from "../rule-checks.ts";

export const listInstallations: Method<"listInstallations", ListInstallations> = {
  rules(request, found) {
    pageAsked(found, request);
    storable(found, "platform", request.platform, 64);
    definedValue(found, "status", request.status, InstallationStatus);
    storable(found, "external_org_id", request.externalOrgId, 256);
    storable(found, "external_install_id", request.externalInstallId, 256);
    storable(found, "owner", request.owner, 256);
    storable(found, "search", request.search, 256);
  },

  run: (listInstallations, pageTokens) => async (request, call) => {
    const filter = toInstallationFilter(request);
    const { platform, status, externalOrgId, externalInstallId, owner, search } = filter;
    const list = ["installations", call.caller, platform, status, externalOrgId, externalInstallId, owner, search];
    const after = pageTokens.read(request.pageToken, list);
    const page = await listInstallations(filter, { size: pageSize(request.pageSize), after }, call);
    return {
      installations: page.installations.map(toInstallationMessage),
      nextPageToken: pageTokens.write(page.next, list),
    };
  },
};

/** What is empty restricts nothing. */
function toInstallationFilter(request: ListInstallationsRequest): SearchableFilter {
  return {
    platform: given(request.platform),
    status: toInstallationStatus(request.status),
    externalOrgId: given(request.externalOrgId),
    externalInstallId: given(request.externalInstallId),
    owner: given(request.owner),
    search: given(request.search),
  };
}
