import { createClosers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { createEndTokens } from "../domain/connecting/end-tokens.ts";
import { createInstallUndoer } from "../domain/connecting/undo-install.ts";
import { createMoveInstallation, type MoveInstallation } from "../domain/installations/move-installation.ts";
import { createOffboardOwner, type OffboardOwner } from "../domain/installations/offboard-owner.ts";
import { createRevoker } from "../domain/installations/revoke-installation.ts";
import { silentTelemetry } from "../domain/model/telemetry.ts";
import { createDeadGrants, type DeadGrants } from "../domain/refreshing/confirm-deaths.ts";
import { createRefresher } from "../domain/refreshing/refresher.ts";
import { createWithSiteToken } from "../domain/tokens/site-token.ts";
import { createWebhookRemoval } from "../domain/webhooks/remove-webhooks.ts";
import type { World } from "../world.ts";
import { configuredPlatforms } from "./configured-platforms.ts";
import { openStorage } from "./open-storage.ts";

export { operatorCaller as operator } from "../domain/model/audit-event.ts";

/** What an operator does beside a running service on Postgres, or instead of one on the embedded database. */
export interface Operation {
  readonly move: MoveInstallation;
  readonly offboarding: OffboardOwner;
  readonly deadGrants: DeadGrants;
  close(): Promise<void>;
}

/** Opens the database and the platforms as the service does, and listens nowhere. */
export async function openOperation(config: Config, world: World): Promise<Operation> {
  const closers = createClosers();
  try {
    const { storage } = await openStorage(config, world, closers);
    const platforms = configuredPlatforms(config, world, silentTelemetry);
    const { installations, pendingInstalls, credentials, links, audit } = storage;
    const endTokens = createEndTokens({ credentials, pendingInstalls, world });
    const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, world });
    const refresher = createRefresher({ credentials, platforms, world });
    const withSiteToken = createWithSiteToken({ installations, refresher, world });
    const webhooks = createWebhookRemoval({ webhooks: storage.webhooks, platforms, withSiteToken, world });
    const revoker = createRevoker({ installations, pendingInstalls, undoer, platforms, webhooks, world });
    return {
      move: createMoveInstallation({ installations, platforms, now: world.now }),
      offboarding: createOffboardOwner({ installations, links, revoker, audit, now: world.now }),
      deadGrants: createDeadGrants({ credentials, platforms, now: world.now }),
      close: closers.close,
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
