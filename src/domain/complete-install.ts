import { ServiceError } from "../errors.ts";
import type { World } from "../world.ts";
import type { PendingInstall, PendingInstallRepository } from "./pending-install.ts";
import type { Platforms } from "./platform.ts";
import type { PutOnRecord } from "./record.ts";
import { checkPlatform } from "./select-installation.ts";
import type { InstallUndoer } from "./undo-install.ts";
import type { UseCases } from "./use-cases.ts";

/**
 * The use case behind CompleteInstall: who finished is who started. A wrong owner undoes what was obtained and hears
 * the same as for a code that nobody made.
 */
export function createCompleteInstall(parts: {
  readonly pendingInstalls: PendingInstallRepository;
  readonly platforms: Platforms;
  readonly undoer: InstallUndoer;
  readonly putOnRecord: PutOnRecord;
  readonly world: World;
}): UseCases["completeInstall"] {
  const { pendingInstalls, platforms, undoer, putOnRecord, world } = parts;

  return async (completionCode, owner, call) => {
    call.access.check(undefined, owner);
    const pending = await pendingInstalls.find(completionCode.fingerprint(), world.now());
    if (pending === undefined) throw notAccepted();
    call.access.check(pending.link.product, owner);
    if (pending.owner !== owner) {
      await undoer.undo(pending.id, "binding_rejected", call);
      throw notAccepted();
    }
    const installations = await connect(pending);
    if (installations === undefined) throw notAccepted();
    world.log.info(
      { platform: pending.platform, installations: installations.map(({ id }) => id) },
      "install.completed",
    );
    await putOnRecord(
      call,
      installations.map(({ id, platform }) => ({
        ...{ kind: "install.completed" as const, installationId: id, owner, platform },
        detail: pending.installationIds.includes(id) ? "connected" : "connected_again",
      })),
    );
    return installations;

    async function connect({ id, platform, link }: PendingInstall) {
      const { holder } = checkPlatform(link.product, platforms);
      try {
        return await pendingInstalls.complete(id, { platform, holder, owner, now: world.now() });
      } catch (error) {
        const taken = error instanceof ServiceError && error.reason === "INSTALLATION_TAKEN";
        if (taken) await undoer.undo(id, "taken", call);
        throw error;
      }
    }
  };
}

function notAccepted(): ServiceError {
  const description = "is not accepted: it was used already, is too old, or belongs to another owner; connect again";
  return new ServiceError("INVALID_REQUEST", `completion_code: ${description}`, {
    violations: [{ field: "completion_code", description }],
  });
}
