import { ServiceError } from "../../errors.ts";
import { type Doer, rowsOf } from "../model/audit-event.ts";
import type { Installation } from "../model/installation.ts";
import type { InstallationRepository } from "../model/installation-repository.ts";
import { installationNotFound } from "../model/not-found.ts";
import { notConfigured, type Platforms } from "../model/platforms.ts";

/**
 * Gives an organization to another owner, or to none: the only way to do so. Gives what was moved. Not done unless it
 * is on record.
 * @throws ServiceError SERVICE_UNAVAILABLE, INSTALLATION_NOT_FOUND, PLATFORM_NOT_CONFIGURED, INVALID_REQUEST for what belongs to a person.
 */
export type MoveInstallation = (id: string, owner: string | undefined, doer: Doer) => Promise<readonly Installation[]>;

export function createMoveInstallation(parts: {
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  readonly now: () => Date;
}): MoveInstallation {
  const { installations, platforms, now } = parts;

  return async (id, owner, doer) => {
    const found = await installations.find(id);
    if (found === undefined) throw installationNotFound(`there is no installation ${id}`);
    const { platform: name, status, owner: before } = found;
    const platform = platforms.byName(name);
    if (platform === undefined) throw notConfigured(name, "has no settings");
    if (platform.holder === "person") {
      throw new ServiceError(
        "INVALID_REQUEST",
        `what is connected at ${name} belongs to a person: let them connect for the other owner`,
      );
    }
    const at = now();
    const row = { kind: "installation.moved" as const, platform: name };
    // A row for each of both owners, since neither may read the other's name.
    const rows = ({ id: installationId }: Installation) => [
      { ...row, installationId, owner: before, detail: "left this owner" },
      { ...row, installationId, owner, detail: "came to this owner" },
    ];
    const moved = await installations.move(id, owner, at, (found = []) => rowsOf(doer, at, found.flatMap(rows)));
    if (moved === undefined) {
      throw new ServiceError("INVALID_REQUEST", `installation ${id} is ${status}: only what is live can be moved`);
    }
    return moved;
  };
}
