import type { Config } from "../config/load-config.ts";
import { type AuditBuffer, createAuditBuffer } from "../domain/audit-buffer.ts";
import { createCompleteInstall } from "../domain/complete-install.ts";
import { createCreateInstallLink } from "../domain/create-install-link.ts";
import { createEndTokens } from "../domain/end-tokens.ts";
import { createFinishInstall } from "../domain/finish-install.ts";
import { createGetToken } from "../domain/get-token.ts";
import { createGrantedPermissions } from "../domain/granted-permissions.ts";
import { createHandOut, type HandOut } from "../domain/hand-out.ts";
import type { FinishInstall, StartFromLink, StartInstall } from "../domain/install.ts";
import { createKeepConnection } from "../domain/keep-connection.ts";
import { createKeepFresh, type KeepFresh } from "../domain/keep-fresh.ts";
import { createKeepRecord, type KeepRecord } from "../domain/keep-record.ts";
import { type CallerNow, createLinkPolicy } from "../domain/link-policy.ts";
import { createListAuditEvents } from "../domain/list-audit-events.ts";
import { createGetInstallation, createListInstallations } from "../domain/list-installations.ts";
import { createNarrowedTokens } from "../domain/narrowed-tokens.ts";
import type { Platform, Platforms } from "../domain/platform.ts";
import { createPutOnRecord } from "../domain/record.ts";
import { createRefresher, type Refresher } from "../domain/refresh.ts";
import { createRefusedCallbacks, type RefusedCallbacks } from "../domain/refused-callbacks.ts";
import { returnOrigins } from "../domain/return-to.ts";
import { createRevoker, type Revoker } from "../domain/revoke-installation.ts";
import { createSelectInstallation, type InstallUrl } from "../domain/select-installation.ts";
import { createSelectionCache } from "../domain/selection-cache.ts";
import { createStartFromLink } from "../domain/start-from-link.ts";
import { createStartInstall, createStartLeg } from "../domain/start-install.ts";
import type { Telemetry } from "../domain/telemetry.ts";
import { createInstallUndoer, type InstallUndoer } from "../domain/undo-install.ts";
import type { UseCases } from "../domain/use-cases.ts";
import type { Storage } from "../storage/storage.ts";
import { measuredInstall } from "../telemetry/measured-install.ts";
import type { World } from "../world.ts";

export interface WiredUseCases {
  /** What callers ask for. */
  readonly calls: UseCases;
  /** What browsers ask for. */
  readonly startInstall: StartInstall;
  readonly startFromLink: StartFromLink;
  readonly finishInstall: FinishInstall;
  /** What goes on by itself. */
  readonly refresher: Refresher;
  readonly keepFresh: KeepFresh;
  readonly handOut: HandOut;
  /** What is put on record without making anybody wait. */
  readonly auditBuffer: AuditBuffer;
  readonly refusedCallbacks: RefusedCallbacks;
  readonly keepRecord: KeepRecord;
  readonly revoker: Revoker;
  readonly undoer: InstallUndoer;
  /** Selections in memory. */
  readonly cacheEntries: () => number;
}

/** Wires every use case to the storage and the platforms. */
export function wireUseCases(
  config: Config,
  world: World,
  parts: {
    readonly storage: Storage;
    readonly platforms: Platforms;
    readonly telemetry: Telemetry;
    readonly callerNow: CallerNow;
  },
): WiredUseCases {
  const { storage, platforms, telemetry, callerNow } = parts;
  const { installations, credentials, attempts, links, pendingInstalls, audit, record, changes } = storage;
  const redirectUri = (platform: Platform) => publicUrl(config, `/oauth/callback/${platform.name}`);
  const installUrl = createInstallUrl(config);

  const auditBuffer = createAuditBuffer({ audit });
  const { note } = auditBuffer;
  const refusedCallbacks = createRefusedCallbacks({ note, now: world.now });
  const refresher = createRefresher({ credentials, platforms, changes, world, telemetry, note });
  const narrowed = createNarrowedTokens({ credentials, refresher, world, maxEntries: config.cacheMaxEntries, note });
  const granted = createGrantedPermissions({ installations, world, maxEntries: config.cacheMaxEntries });
  const handOut = createHandOut({ audit, installations, world });
  const selections = createSelectionCache({
    select: createSelectInstallation({ installations, platforms, installUrl }),
    changes,
    maxEntries: config.cacheMaxEntries,
    onLookUp: telemetry.cacheLookedUp,
  });
  const putOnRecord = createPutOnRecord({ audit, note, world });
  const endTokens = createEndTokens({ credentials, pendingInstalls, world });
  const undoer = createInstallUndoer({ pendingInstalls, platforms, endTokens, world });
  const revoker = createRevoker({ installations, pendingInstalls, undoer, platforms, world });
  const origins = returnOrigins(config.public.allowedReturnOrigins);
  const linkPolicy = createLinkPolicy(callerNow, origins);
  const keep = { installations, pendingInstalls, credentials, refresher, endTokens, linkPolicy, world };
  const keepConnection = createKeepConnection(keep);
  const startLeg = createStartLeg({ attempts, world, redirectUri });

  return {
    calls: {
      getToken: createGetToken({ selections, refresher, narrowed, granted, handOut, installUrl, world, telemetry }),
      listInstallations: createListInstallations(installations, platforms),
      getInstallation: createGetInstallation(installations),
      revokeInstallation: revoker.revoke,
      createInstallLink: createCreateInstallLink({
        ...{ links, installations, platforms, world },
        returnOrigins: origins,
        installPage: (product) => new URL(publicUrl(config, `/oauth/install/${product}`)),
      }),
      completeInstall: createCompleteInstall({ pendingInstalls, platforms, undoer, linkPolicy, world }),
      listAuditEvents: createListAuditEvents(record, platforms),
    },
    startInstall: createStartInstall(platforms, startLeg, world),
    startFromLink: createStartFromLink({ links, platforms, linkPolicy, startLeg, world }),
    finishInstall: measuredInstall(
      createFinishInstall({
        ...{ attempts, keepConnection, linkPolicy, platforms, startLeg, redirectUri },
        ...{ putOnRecord, refusedCallbacks, world },
      }),
      telemetry,
    ),
    refresher,
    keepFresh: createKeepFresh({ credentials, platforms, refresher, world }),
    handOut,
    auditBuffer,
    refusedCallbacks,
    keepRecord: createKeepRecord({ record, world, retentionDays: config.auditRetentionDays }),
    revoker,
    undoer,
    cacheEntries: () => selections.size,
  };
}

/** In `open` mode anyone may start an install; in `link` mode only the product's own page knows how. */
function createInstallUrl(config: Config): InstallUrl {
  return (platform, owner) => {
    if (config.public.installMode === "link") return config.installPageUrl?.href;
    const query = owner === undefined ? "" : `?${new URLSearchParams({ owner })}`;
    return publicUrl(config, `/oauth/install/${platform}${query}`);
  };
}

function publicUrl(config: Config, path: string): string {
  return `${config.public.baseUrl.href.replace(/\/+$/, "")}${path}`;
}
