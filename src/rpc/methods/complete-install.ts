import type { CompleteInstall } from "../../domain/connecting/complete-install.ts";
import { Secret } from "../../secret.ts";
import { toInstallationMessage } from "../installation-messages.ts";
import type { Method } from "../method.ts";
import { storable, textLength } from "../rule-checks.ts";

export const completeInstall: Method<"completeInstall", CompleteInstall> = {
  rules(request, found) {
    textLength(found, "completion_code", request.completionCode, 1, 256);
    storable(found, "owner", request.owner, 256, 1);
  },

  run: (completeInstall) => async (request, call) => {
    const installations = await completeInstall(new Secret(request.completionCode), request.owner, call);
    return { installations: installations.map(toInstallationMessage) };
  },
};
