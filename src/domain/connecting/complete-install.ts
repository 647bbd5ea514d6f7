import { ServiceError } from "../../errors.ts";
import type { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { rowsOf } from "../model/audit-event.ts";
import type { Call } from "../model/call.ts";
import type { Installation } from "../model/installation.ts";
import { checkPlatform, type Platforms } from "../model/platforms.ts";
import type { LinkPolicy } from "./link-policy.ts";
import type { PendingInstall, PendingInstallRepository } from "./pending-install.ts";
import type { InstallUndoer } from "./undo-install.ts";

/** Makes what an attempt obtained active, if `owner` is whom its link was made for, or if it had none. */
export type CompleteInstall = (completionCode: Secret, owner: string, call: Call) => Promise<readonly Installation[]>;

/**
 * The use case behind CompleteInstall: who finished is who started. A wrong owner undoes what was obtained and hears
 * the same as for a code that nobody made.
 */
export function createCompleteInstall(parts: {
  readonly pendingInstalls: PendingInstallRepository;
  readonly platforms: Platforms;
  readonly undoer: InstallUndoer;
  readonly linkPolicy: LinkPolicy;
  readonly world: World;
}): CompleteInstall {
  const { pendingInstalls, platforms, undoer, linkPolicy, world } = parts;

  return async (completionCode, owner, call) => {
    call.access.check(undefined, owner);
    const pending = await pendingInstalls.find(completionCode.fingerprint(), world.now());
    if (pending === undefined) throw notAccepted();
    call.access.check(pending.link.product, owner);
    if (pending.owner !== undefined && pending.owner !== owner) {
      await undoer.undo(pending.id, "binding_rejected", call);
      throw notAccepted();
    }
    if (linkPolicy({ facts: pending.link, owner, returnTo: undefined }) !== undefined) {
      await undoer.undo(pending.id, "withdrawn", call);
      throw notAccepted();
    }
    const installations = await connect(pending);
    if (installations === undefined) throw notAccepted();
    world.log.info(
      { platform: pending.platform, installations: installations.map(({ id }) => id) },
      "install.completed",
    );
    return installations;

    async function connect({ id, platform, link, installationIds }: PendingInstall) {
      const { holder } = checkPlatform(link.product, platforms);
      const now = world.now();
      const row = { kind: "install.completed" as const, owner, platform };
      const happening = (installation: Installation) => ({
        ...row,
        installationId: installation.id,
        detail: installationIds.includes(installation.id) ? "connected" : "connected_again",
      });
      try {
        return await pendingInstalls.complete(id, { platform, holder, owner, now }, (connected = []) =>
          rowsOf(call, now, connected.map(happening)),
        );
      } catch (error) {
        const taken = error instanceof ServiceError && error.reason === "INSTALLATION_TAKEN";
        if (taken) await undoer.undo(id, "taken", call);
        throw error;
      }
    }
  };
}

function notAccepted(): ServiceError {
  const description =
    "is not accepted: it was used already, is too old, belongs to another owner, or was withdrawn; connect again";
  return new ServiceError("INVALID_REQUEST", `completion_code: ${description}`, {
    violations: [{ field: "completion_code", description }],
  });
}
