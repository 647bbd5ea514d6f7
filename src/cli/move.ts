import { type Command, notUnderstood } from "./command.ts";
import { operating, operator } from "./operating.ts";

/**
 * `move INSTALLATION_ID --to OWNER` or `--to-none`: gives an organization, with what it is served with, to another
 * owner. Callers of the old one find it no more at once.
 */
export const moveCommand: Command = async (args, world) => {
  const [id, flag, owner, ...rest] = args;
  if (id === undefined || id.startsWith("-") || rest.length > 0) return notUnderstood;
  const named = flag === "--to" && owner !== undefined && owner !== "";
  if (!named && !(flag === "--to-none" && owner === undefined)) return notUnderstood;
  const moved = await operating(world, ({ move }) => move(id, owner, { caller: operator, method: "move" }));
  const whose = owner === undefined ? "no owner" : owner;
  for (const one of moved) {
    world.print(`installation ${one.id} (${one.platform}, ${one.externalOrgName}) belongs to ${whose} now`);
  }
  return 0;
};
