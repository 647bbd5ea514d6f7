import { ProviderRevocation as RevocationMessage } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { RevokeInstallation } from "../../domain/installations/revoke-installation.ts";
import type { ProviderRevocation } from "../../domain/model/installation.ts";
import { toInstallationMessage } from "../installation-messages.ts";
import type { Method } from "../method.ts";
import { storable, uuid } from "../rule-checks.ts";

export const revokeInstallation: Method<"revokeInstallation", RevokeInstallation> = {
  rules(request, found) {
    uuid(found, "installation_id", request.installationId);
    storable(found, "reason", request.reason, 1024);
  },

  run: (revokeInstallation) => async (request, call) => {
    const { installationId, reason } = request;
    const { installation, providerRevocation: revocation } = await revokeInstallation(installationId, reason, call);
    return {
      installation: toInstallationMessage(installation),
      // Unspecified while it is not known how the platform took it.
      providerRevocation: revocation === undefined ? RevocationMessage.UNSPECIFIED : revocationMessages[revocation],
    };
  },
};

const revocationMessages: Record<ProviderRevocation, RevocationMessage> = {
  revoked: RevocationMessage.REVOKED,
  unsupported: RevocationMessage.UNSUPPORTED,
  failed: RevocationMessage.FAILED,
  shared: RevocationMessage.SHARED,
};
