import type { CompleteInstall } from "./connecting/complete-install.ts";
import type { CreateInstallLink } from "./connecting/create-install-link.ts";
import type { GetInstallation, ListInstallations } from "./installations/list-installations.ts";
import type { RevokeInstallation } from "./installations/revoke-installation.ts";
import type { ListAuditEvents } from "./record/list-events.ts";
import type { GetToken } from "./tokens/get-token.ts";

/** What the service does, behind every door. Refusals are ServiceErrors; `call.access` limits what is seen. */
export interface UseCases {
  readonly getToken: GetToken;
  readonly listInstallations: ListInstallations;
  readonly getInstallation: GetInstallation;
  readonly revokeInstallation: RevokeInstallation;
  readonly createInstallLink: CreateInstallLink;
  readonly completeInstall: CompleteInstall;
  readonly listAuditEvents: ListAuditEvents;
}
