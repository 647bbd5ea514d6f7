import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import { installationNotFound } from "../model/not-found.ts";
import type { Platforms } from "../model/platforms.ts";

/** What revoking an installation would come to. */
export interface ForeseenRevocation {
  readonly installation: Installation;
  /**
   * What would end at its platform, unless another installation uses it: its tokens, a person's whole grant, the app's
   * installation; undefined: nothing, since this process has no settings of that platform.
   */
  readonly reach: "token" | "grant" | "app" | undefined;
}

/** Says what revoking would come to, and does nothing. @throws ServiceError INSTALLATION_NOT_FOUND. */
export type ForeseeRevocation = (id: string) => Promise<ForeseenRevocation>;

export function createForeseeRevocation(
  installations: Pick<InstallationRepository, "find">,
  platforms: Platforms,
): ForeseeRevocation {
  return async (id) => {
    const installation = await installations.find(id);
    if (installation === undefined) throw installationNotFound(`there is no installation ${id}`);
    return { installation, reach: revocationReach(platforms, installation.platform) };
  };
}

/** What would end at a platform; undefined: nothing, since this process has no settings of it. */
export function revocationReach(platforms: Platforms, platform: string): ForeseenRevocation["reach"] {
  // Where kinds of credentials differ, these reach furthest.
  return platforms.byName(platform)?.revocationReach("long_lived");
}
