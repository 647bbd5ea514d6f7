import { ServiceError } from "../errors.ts";
import type { Installation } from "./installation.ts";
import type { Platforms } from "./platform.ts";
import type { Doer, PutOnRecord } from "./record.ts";
import type { InstallationRepository } from "./repositories.ts";

/**
 * Gives an organization to another owner, or to none: the only way to do so. Gives what was moved.
 * @throws ServiceError INSTALLATION_NOT_FOUND, PLATFORM_NOT_CONFIGURED, INVALID_REQUEST for what belongs to a person.
 */
export type MoveInstallation = (id: string, owner: string | undefined, doer: Doer) => Promise<readonly Installation[]>;

export function createMoveInstallation(parts: {
  readonly installations: InstallationRepository;
  readonly platforms: Platforms;
  readonly putOnRecord: PutOnRecord;
  readonly now: () => Date;
}): MoveInstallation {
  const { installations, platforms, putOnRecord, now } = parts;

  return async (id, owner, doer) => {
    const found = await installations.find(id);
    if (found === undefined) throw new ServiceError("INSTALLATION_NOT_FOUND", `there is no installation ${id}`);
    const { platform: name, status, owner: before } = found;
    const platform = platforms.byName(name);
    if (platform === undefined) throw new ServiceError("PLATFORM_NOT_CONFIGURED", `platform ${name} has no settings`);
    if (platform.holder === "person") {
      throw new ServiceError(
        "INVALID_REQUEST",
        `what is connected at ${name} belongs to a person: let them connect for the other owner`,
      );
    }
    const moved = await installations.move(id, owner, now());
    if (moved === undefined) {
      throw new ServiceError("INVALID_REQUEST", `installation ${id} is ${status}: only what is live can be moved`);
    }
    const detail = before === undefined ? "from no owner" : `from ${before}`;
    const row = { kind: "installation.moved" as const, owner, platform: name, detail };
    await putOnRecord(
      doer,
      moved.map((installation) => ({ ...row, installationId: installation.id })),
    );
    return moved;
  };
}
