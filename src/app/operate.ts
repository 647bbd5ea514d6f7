import { createClosers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { createEndTokens } from "../domain/end-tokens.ts";
import { createMoveInstallation, type MoveInstallation } from "../domain/move-installation.ts";
import { createOffboardOwner, type OffboardOwner } from "../domain/offboard-owner.ts";
import { createPutOnRecord } from "../domain/record.ts";
import { createRevoker } from "../domain/revoke-installation.ts";
import { silentTelemetry } from "../domain/telemetry.ts";
import { createInstallUndoer } from "../domain/undo-install.ts";
import type { World } from "../world.ts";
import { configuredPlatforms } from "./configured-platforms.ts";
import { openStorage } from "./open-storage.ts";

/** What an operator does beside a running service on Postgres, or instead of one on the embedded database. */
export interface Operation {
  readonly move: MoveInstallation;
  readonly offboarding: OffboardOwner;
  close(): Promise<void>;
}

/** Opens the database and the platforms as the service does, and listens nowhere. */
export async function openOperation(config: Config, world: World): Promise<Operation> {
  const closers = createClosers();
  try {
    const { storage } = await openStorage(config, world, closers);
    const platforms = configuredPlatforms(config, world, silentTelemetry);
    const { installations, pendingInstalls, credentials, links, attempts, audit } = storage;
    const note = () => {
      throw new Error("what was done could not be put on record: it is done all the same");
    };
    const putOnRecord = createPutOnRecord({ audit, note, world });
    const endTokens = createEndTokens({ credentials, pendingInstalls, world });
    const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, putOnRecord, world });
    const revoker = createRevoker({ installations, pendingInstalls, undoer, platforms, putOnRecord, world });
    return {
      move: createMoveInstallation({ installations, platforms, putOnRecord, now: world.now }),
      offboarding: createOffboardOwner({ installations, links, attempts, revoker, putOnRecord }),
      close: closers.close,
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
