import { type Doer, rowsOf } from "../model/audit-event.ts";
import type { CredentialRepository, ServedInstallation } from "../model/credential-repository.ts";
import type { Doubts } from "../model/doubt.ts";
import { notConfigured, type Platforms } from "../model/platforms.ts";

/** What an operator does about grants that a platform calls dead and that are not believed to be. */
export interface DeadGrants {
  list(): Promise<readonly Doubts[]>;
  /**
   * Believes the platform, for a day also in what it says next. Gives the installations that ask for reauthorization now.
   * Not done unless it is on record.
   * @throws ServiceError SERVICE_UNAVAILABLE, PLATFORM_NOT_CONFIGURED.
   */
  confirm(platform: string, doer: Doer): Promise<readonly ServedInstallation[]>;
}

export function createDeadGrants(parts: {
  readonly credentials: CredentialRepository;
  readonly platforms: Platforms;
  readonly now: () => Date;
}): DeadGrants {
  const { credentials, platforms, now } = parts;
  return {
    list: () => credentials.doubts(),
    async confirm(product, doer) {
      const platform = platforms.byProduct(product)?.name;
      if (platform === undefined) throw notConfigured(product, "has no settings");
      const row = { kind: "grant.rejected" as const, platform, detail: "confirmed by an operator" };
      return credentials.confirmDeaths(platform, (ended) => {
        const happenings = ended.map(({ id, owner }) => ({ ...row, installationId: id, owner }));
        return rowsOf(doer, now(), happenings);
      });
    },
  };
}
