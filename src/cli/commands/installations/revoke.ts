import { installationJson } from "../../../rpc/json/installation-json.ts";
import type { Command, CommandWorld, Outcome } from "../../command.ts";
import { printable } from "../../printable.ts";
import { type Operation, operating, operator } from "../operating.ts";
import { requireKeys } from "../require-keys.ts";
import { atPlatform } from "./at-platform.ts";

type Foreseen = Awaited<ReturnType<Operation["foreseeRevocation"]>>;

const usualReason = "revoked by an operator";

/**
 * `installations revoke INSTALLATION_ID [--reason TEXT] [--yes]`: ends one for good, here and at its platform. Without
 * `--yes` it only says what that would come to. Killed, it is run again.
 */
export const revokeInstallationCommand: Command<readonly [string], "reason", "yes"> = async (given, world) => {
  const [id] = given.arguments;
  const { reason = usualReason } = given.values;
  return operating(world, async (operation) => {
    const { foreseeRevocation, revoke } = operation;
    const foreseen = await foreseeRevocation(id);
    if (!given.flags.yes && foreseen.installation.status !== "revoked") return foretell(foreseen, world);
    await requireKeys(operation, false, world);
    const ended = await revoke(id, reason, { caller: operator, method: "installations revoke" });
    const result = ended.providerRevocation ?? "unknown";
    world.print(`${named(ended.installation)} is revoked; at the platform: ${atPlatform[result]}`);
    const failed = result === "failed" || result === "unknown";
    if (failed)
      world.complain("it may still be alive at the platform: nothing is kept of it here, so remove the app there");
    const installation = installationJson(ended.installation);
    return { code: failed ? 1 : 0, result: { revoked: true, at_platform: result, installation } };
  });
};

function foretell({ installation, reach: end }: Foreseen, { print, complain }: CommandWorld): Outcome {
  const reach = end ?? "nothing";
  const { platform, products, lastUsedAt } = installation;
  print(`${named(installation)} would be revoked for good`);
  print(`here: it gives no more tokens for ${products.join(" and ")}, and what is kept for that is deleted`);
  print(`at ${platform}: ${consequences[reach]}`);
  print(lastUsedAt === undefined ? "it was never used" : `it was last used at ${lastUsedAt.toISOString()}`);
  complain("nothing was done: run it again with --yes to revoke it");
  return { code: 1, result: { revoked: false, would_end: reach, installation: installationJson(installation) } };
}

const consequences: Readonly<Record<NonNullable<Foreseen["reach"]> | "nothing", string>> = {
  token: "its tokens are revoked, unless another installation uses them",
  grant:
    "its grant is revoked, and with it perhaps other tokens of the same person, unless another installation uses it",
  app: "the app is uninstalled from the organization, for everybody who uses it there",
  nothing: "nothing, since there are no settings of it here: remove the app there",
};

function named({ id, platform, externalOrgName, owner }: Foreseen["installation"]): string {
  const whose = owner === undefined ? "no owner" : `owner ${printable(owner)}`;
  return `installation ${id} (${platform}, ${printable(externalOrgName)}, ${whose})`;
}
