import type { GetInstallation } from "../../domain/installations/list-installations.ts";
import { toInstallationMessage } from "../installation-messages.ts";
import type { Method } from "../method.ts";
import { uuid } from "../rule-checks.ts";

export const getInstallation: Method<"getInstallation", GetInstallation> = {
  rules(request, found) {
    uuid(found, "installation_id", request.installationId);
  },

  run: (getInstallation) => async (request, call) => ({
    installation: toInstallationMessage(await getInstallation(request.installationId, call)),
  }),
};
