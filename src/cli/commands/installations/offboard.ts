import type { Command } from "../../command.ts";
import { printable } from "../../printable.ts";
import { operating, operator } from "../operating.ts";
import { requireKeys } from "../require-keys.ts";
import { atPlatform } from "./at-platform.ts";

/**
 * `offboard OWNER [--reason TEXT] [--yes]`: ends everything of an owner, here and at the platforms. Without `--yes` it
 * only says what that would be. Killed, it is run again.
 */
export const offboardCommand: Command<readonly [string], "reason", "yes"> = async (given, world) => {
  const [owner] = given.arguments;
  const { reason = "offboarding" } = given.values;
  const { print, complain } = world;
  return operating(world, async (operation) => {
    const { offboarding } = operation;
    if (!given.flags.yes) {
      const ids = await offboarding.list(owner);
      for (const id of ids) print(`installation ${id} would be revoked`);
      complain(`nothing was done: run it again with --yes to revoke these ${ids.length}, and every link of ${owner}`);
      return { code: 1, result: { owner, installations: ids.map((id) => ({ installation_id: id })) } };
    }
    await requireKeys(operation, false, world);
    let failures = 0;
    const installations: object[] = [];
    await offboarding.offboard(owner, reason, { caller: operator, method: "offboard" }, (ended) => {
      const { id, platform, externalOrgName } = ended.installation;
      const result = ended.providerRevocation ?? "unknown";
      if (result === "failed" || result === "unknown") failures += 1;
      print(
        `installation ${id} (${platform}, ${printable(externalOrgName)}) is revoked; at the platform: ${atPlatform[result]}`,
      );
      installations.push({
        installation_id: id,
        platform,
        external_org_name: externalOrgName,
        at_platform: result,
      });
    });
    const result = { owner, installations };
    if (failures === 0) return { code: 0, result };
    complain(`${failures} may still be alive at the platform: nothing is kept of them here, so remove the app there`);
    return { code: 1, result };
  });
};
