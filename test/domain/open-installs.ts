import { createCompleteInstall } from "../../src/domain/complete-install.ts";
import { createEndTokens } from "../../src/domain/end-tokens.ts";
import { createKeepConnection } from "../../src/domain/keep-connection.ts";
import type { LinkPolicy } from "../../src/domain/link-policy.ts";
import type { Platforms } from "../../src/domain/platform.ts";
import { createPutOnRecord } from "../../src/domain/record.ts";
import { createRefresher } from "../../src/domain/refresh.ts";
import type { InstallationRepository } from "../../src/domain/repositories.ts";
import { createRevoker } from "../../src/domain/revoke-installation.ts";
import { createInstallUndoer } from "../../src/domain/undo-install.ts";
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
  const { credentials, pendingInstalls, audit } = storage;
  const installations = { ...storage.installations, ...changed.installations };
  const putOnRecord = createPutOnRecord({ audit, note: () => undefined, world });
  const endTokens = createEndTokens({ credentials, pendingInstalls, world });
  const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, world });
  const refresher = createRefresher({ credentials, platforms, world });
  const parts = { installations, pendingInstalls, credentials, platforms, undoer, refresher, endTokens };
  const { linkPolicy = () => undefined } = changed;
  const all = { ...parts, linkPolicy, world };
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
