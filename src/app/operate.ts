import { createClosers } from "../closers.ts";
import type { Config } from "../config/load-config.ts";
import { operator as operatorAsCaller } from "../domain/access/caller.ts";
import { type CreateInstallLink, createCreateInstallLink } from "../domain/connecting/create-install-link.ts";
import { createEndTokens } from "../domain/connecting/end-tokens.ts";
import { returnOrigins } from "../domain/connecting/return-to.ts";
import { createInstallUndoer } from "../domain/connecting/undo-install.ts";
import { createForeseeRevocation, type ForeseeRevocation } from "../domain/installations/foresee-revocation.ts";
import { createImportInstallations, type ImportInstallations } from "../domain/installations/import-installations.ts";
import {
  createGetInstallation,
  createListInstallations,
  type GetInstallation,
  type ListInstallations,
} from "../domain/installations/list-installations.ts";
import { createMoveInstallation, type MoveInstallation } from "../domain/installations/move-installation.ts";
import { createOffboardOwner, type OffboardOwner } from "../domain/installations/offboard-owner.ts";
import { createRevoker, type Revoker } from "../domain/installations/revoke-installation.ts";
import type { Call } from "../domain/model/call.ts";
import { silentTelemetry } from "../domain/model/telemetry.ts";
import { createDeadGrants, type DeadGrants } from "../domain/refreshing/confirm-deaths.ts";
import { createRefresher } from "../domain/refreshing/refresher.ts";
import { createWithSiteToken } from "../domain/tokens/site-token.ts";
import { createWebhookRemoval } from "../domain/webhooks/remove-webhooks.ts";
import { registry } from "../platforms/registry.ts";
import type { KeyUsage } from "../storage/resealing/key-usage.ts";
import type { World } from "../world.ts";
import { configuredPlatforms } from "./configured-platforms.ts";
import { openStorage } from "./open-storage.ts";
import { publicUrl } from "./public-url.ts";

export { operatorCaller as operator } from "../domain/model/audit-event.ts";

/** What an operator does beside a running service on Postgres, or instead of one on the embedded database. */
export interface Operation {
  /** What the operator's calls are made with, by the name that goes on record. */
  call(method: string): Call;
  readonly list: ListInstallations;
  readonly get: GetInstallation;
  readonly foreseeRevocation: ForeseeRevocation;
  readonly revoke: Revoker["end"];
  readonly createLink: CreateInstallLink;
  readonly move: MoveInstallation;
  readonly offboarding: OffboardOwner;
  readonly deadGrants: DeadGrants;
  readonly importInstallations: ImportInstallations;
  readonly findKeyOpener: KeyUsage["findOpener"];
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
    const installPage = (product: string) => new URL(publicUrl(config, `/oauth/install/${product}`));
    const origins = returnOrigins(config.public.allowedReturnOrigins);
    return {
      call: (method) => operatorCall(method, world.random(16).toString("hex")),
      list: createListInstallations(installations, platforms),
      get: createGetInstallation(installations),
      foreseeRevocation: createForeseeRevocation(installations, platforms),
      revoke: revoker.end,
      createLink: createCreateInstallLink({
        links,
        installations,
        platforms,
        returnOrigins: origins,
        installPage,
        world,
      }),
      move: createMoveInstallation({ installations, platforms, now: world.now }),
      offboarding: createOffboardOwner({ installations, links, revoker, audit, now: world.now }),
      deadGrants: createDeadGrants({ credentials, platforms, now: world.now }),
      importInstallations: createImportInstallations({
        ...{ imports: storage.imports, adopters: registry.adopters, platforms, now: world.now },
      }),
      findKeyOpener: storage.keyUsage.findOpener,
      close: closers.close,
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function operatorCall(method: string, requestId: string): Call {
  return {
    caller: operatorAsCaller.name,
    access: operatorAsCaller.access(method),
    policyHash: undefined,
    address: undefined,
    requestId,
    method,
    trace: undefined,
    remainingMs: () => Number.POSITIVE_INFINITY,
  };
}
