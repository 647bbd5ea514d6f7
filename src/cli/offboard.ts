import { type Command, notUnderstood } from "./command.ts";
import { operating, operator } from "./operating.ts";

/**
 * `offboard OWNER [--reason TEXT] [--yes]`: ends everything of an owner, here and at the platforms. Without `--yes` it
 * only says what that would be. Killed, it is run again.
 */
export const offboardCommand: Command = async (args, world) => {
  const options = parse(args);
  if (options === undefined) return notUnderstood;
  const { owner, reason, yes } = options;
  const { print, complain } = world;
  return operating(world, async ({ offboarding }) => {
    if (!yes) {
      const ids = await offboarding.list(owner);
      for (const id of ids) print(`installation ${id} would be revoked`);
      complain(`nothing was done: run it again with --yes to revoke these ${ids.length}, and every link of ${owner}`);
      return 1;
    }
    let failures = 0;
    await offboarding.offboard(owner, reason, { caller: operator, method: "offboard" }, (ended) => {
      const { id, platform, externalOrgName } = ended.installation;
      const result = ended.providerRevocation ?? "unknown";
      if (result === "failed" || result === "unknown") failures += 1;
      print(`installation ${id} (${platform}, ${externalOrgName}) is revoked; at the platform: ${words[result]}`);
    });
    if (failures === 0) return 0;
    complain(`${failures} may still be alive at the platform: nothing is kept of them here, so remove the app there`);
    return 1;
  });
};

const words = {
  revoked: "revoked",
  unsupported: "not supported there",
  shared: "kept, because something else uses it",
  failed: "FAILED",
  unknown: "not known, another process is asking",
} as const;

interface Options {
  readonly owner: string;
  readonly reason: string;
  readonly yes: boolean;
}

function parse(args: readonly string[]): Options | undefined {
  let [owner, reason, yes]: [string | undefined, string, boolean] = [undefined, "offboarding", false];
  const left = [...args];
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    if (next === "--yes") yes = true;
    else if (next === "--reason") {
      const text = left.shift();
      if (text === undefined) return undefined;
      reason = text;
    } else if (owner === undefined && next !== "" && !next.startsWith("--")) owner = next;
    else return undefined;
  }
  return owner === undefined ? undefined : { owner, reason, yes };
}
