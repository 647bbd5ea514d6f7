import type { Method } from "./method.ts";
import { completeInstall } from "./methods/complete-install.ts";
import { createInstallLink } from "./methods/create-install-link.ts";
import { getInstallation } from "./methods/get-installation.ts";
import { getToken } from "./methods/get-token.ts";
import { listAuditEvents } from "./methods/list-audit-events.ts";
import { listInstallations } from "./methods/list-installations.ts";
import { revokeInstallation } from "./methods/revoke-installation.ts";
import { startLink } from "./methods/start-link.ts";
import { watchInstallations } from "./methods/watch-installations.ts";
import { watchLink } from "./methods/watch-link.ts";
import type { RpcName } from "./rpc-names.ts";

/** Every RPC of the service descriptor: one that is not here does not compile. */
export const methods = {
  getToken,
  listInstallations,
  getInstallation,
  revokeInstallation,
  createInstallLink,
  completeInstall,
  watchInstallations,
  startLink,
  watchLink,
  listAuditEvents,
} satisfies { readonly [Name in RpcName]: Method<Name, never> };

/** What the service does, behind every door. Refusals are ServiceErrors; `call.access` limits what is seen. */
export type UseCases = { readonly [Name in RpcName]: Parameters<(typeof methods)[Name]["run"]>[0] };
