import { createCompleteInstall } from "../../src/domain/connecting/complete-install.ts";
import { createEndTokens } from "../../src/domain/connecting/end-tokens.ts";
import { createKeepConnection } from "../../src/domain/connecting/keep-connection.ts";
import type { LinkPolicy } from "../../src/domain/connecting/link-policy.ts";
import { createInstallUndoer } from "../../src/domain/connecting/undo-install.ts";
import { createRevoker } from "../../src/domain/installations/revoke-installation.ts";
import type { InstallationRepository } from "../../src/domain/model/installation-repository.ts";
import type { Platforms } from "../../src/domain/model/platforms.ts";
import { createPutOnRecord } from "../../src/domain/record/put-on-record.ts";
import { createRefresher } from "../../src/domain/refreshing/refresher.ts";
import type { Domain } from "./open-domain.ts";

/** What keeps, completes, undoes and revokes installs, on the domain's storage. */
export function openInstalls(
  { storage, world }: Pick<Domain, "storage" | "world">,
  platforms: Platforms,
  changed: {
    readonly installations?: Partial<InstallationRepository> | undefined;
    /** By default every link counts as if it were made now. */
    readonly linkPolicy?: LinkPolicy | undefined;
  } = {},
) {
  const { credentials, pendingInstalls, linkedInstalls, audit } = storage;
  const installations = { ...storage.installations, ...changed.installations };
  const putOnRecord = createPutOnRecord({ audit, note: () => undefined, world });
  const endTokens = createEndTokens({ credentials, pendingInstalls, world });
  const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, world });
  const refresher = createRefresher({ credentials, platforms, world });
  const parts = {
    installations,
    pendingInstalls,
    linkedInstalls,
    credentials,
    platforms,
    undoer,
    refresher,
    endTokens,
  };
  const { linkPolicy = () => undefined } = changed;
  const webhooks = { prepare: async () => undefined, remove: async () => undefined };
  const all = { ...parts, linkPolicy, webhooks, world };
  return {
    putOnRecord,
    linkPolicy,
    undoer,
    refresher,
    keepConnection: createKeepConnection(all),
    revoker: createRevoker(all),
    completeInstall: createCompleteInstall(all),
  };
}
