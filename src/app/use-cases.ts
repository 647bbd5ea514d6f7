import type { Config } from "../config/load-config.ts";
import { createFinishInstall } from "../domain/finish-install.ts";
import { createGetToken } from "../domain/get-token.ts";
import { createHandOut, type HandOut } from "../domain/hand-out.ts";
import type { FinishInstall, StartInstall } from "../domain/install.ts";
import { createKeepFresh, type KeepFresh } from "../domain/keep-fresh.ts";
import { createGetInstallation, createListInstallations } from "../domain/list-installations.ts";
import { createNarrowedTokens } from "../domain/narrowed-tokens.ts";
import type { Platform, Platforms } from "../domain/platform.ts";
import { createRefresher, type Refresher } from "../domain/refresh.ts";
import type { Selector } from "../domain/repositories.ts";
import { createRevoker, type Revoker } from "../domain/revoke-installation.ts";
import { createSelectInstallation, type InstallUrl } from "../domain/select-installation.ts";
import { createSelectionCache } from "../domain/selection-cache.ts";
import { createStartInstall, createStartLeg } from "../domain/start-install.ts";
import type { Telemetry } from "../domain/telemetry.ts";
import type { UseCases } from "../domain/use-cases.ts";
import type { Storage } from "../storage/storage.ts";
import { measuredInstall } from "../telemetry/measured-install.ts";
import type { World } from "../world.ts";

export interface WiredUseCases {
  /** What callers ask for. */
  readonly calls: UseCases;
  /** What browsers ask for. */
  readonly startInstall: StartInstall;
  readonly finishInstall: FinishInstall;
  /** What goes on by itself. */
  readonly refresher: Refresher;
  readonly keepFresh: KeepFresh;
  readonly handOut: HandOut;
  readonly revoker: Revoker;
  /** Selections in memory. */
  readonly cacheEntries: () => number;
}

/** Wires every use case to the storage and the platforms. */
export function wireUseCases(
  config: Config,
  world: World,
  storage: Storage,
  platforms: Platforms,
  telemetry: Telemetry,
): WiredUseCases {
  const { installations, credentials, attempts, audit, changes } = storage;
  const redirectUri = (platform: Platform) => publicUrl(config, `/oauth/callback/${platform.name}`);
  const installUrl = createInstallUrl(config);

  const refresher = createRefresher({ credentials, platforms, world, telemetry });
  const narrowed = createNarrowedTokens({ credentials, refresher, world, maxEntries: config.cacheMaxEntries });
  const handOut = createHandOut({ audit, installations, world });
  const cache = createSelectionCache({
    select: createSelectInstallation({ installations, platforms, installUrl }),
    changes,
    maxEntries: config.cacheMaxEntries,
    onLookUp: telemetry.cacheLookedUp,
  });
  const select = (selector: Selector) => telemetry.step("select", {}, () => cache.select(selector));
  const revoker = createRevoker({ installations, platforms, world });
  const startLeg = createStartLeg({ attempts, world, redirectUri });

  return {
    calls: {
      getToken: createGetToken({ select, refresher, narrowed, handOut, installUrl, world }),
      listInstallations: createListInstallations(installations, platforms),
      getInstallation: createGetInstallation(installations),
      revokeInstallation: revoker.revoke,
    },
    startInstall: createStartInstall(platforms, startLeg, world),
    finishInstall: measuredInstall(
      createFinishInstall({ attempts, installations, platforms, startLeg, redirectUri, world }),
      telemetry,
    ),
    refresher,
    keepFresh: createKeepFresh({ credentials, platforms, refresher, world }),
    handOut,
    revoker,
    cacheEntries: () => cache.size,
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
  return `${config.public.baseUrl.href.replace(/\/$/, "")}${path}`;
}
