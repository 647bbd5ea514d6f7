import { type Command, UsageError } from "../../command.ts";
import { printable } from "../../printable.ts";
import { operating, operator } from "../operating.ts";

/**
 * `move INSTALLATION_ID --to OWNER` or `--to-none`: gives an organization, with what it is served with, to another
 * owner. Callers of the old one find it no more at once.
 */
export const moveCommand: Command<readonly [string], "to", "to-none"> = async (given, world) => {
  const [id] = given.arguments;
  const owner = given.values.to;
  if ((owner === undefined) !== given.flags["to-none"])
    throw new UsageError("either --to OWNER or --to-none is needed");
  const moved = await operating(world, ({ move }) => move(id, owner, { caller: operator, method: "move" }));
  const whose = owner === undefined ? "no owner" : owner;
  for (const one of moved) {
    world.print(`installation ${one.id} (${one.platform}, ${printable(one.externalOrgName)}) belongs to ${whose} now`);
  }
  const installations = moved.map(({ id: installation_id, platform, externalOrgName: external_org_name }) => {
    return { installation_id, platform, external_org_name };
  });
  return { code: 0, result: { owner: owner ?? null, installations } };
};
