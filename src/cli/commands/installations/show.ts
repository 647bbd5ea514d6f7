import { installationJson } from "../../../rpc/json/installation-json.ts";
import type { Command } from "../../command.ts";
import { printable } from "../../printable.ts";
import { operating } from "../operating.ts";

/** `installations show INSTALLATION_ID`: all there is to know of one, whatever its status. */
export const showInstallationCommand: Command<readonly [string]> = async (given, world) => {
  const [id] = given.arguments;
  const shown = await operating(world, async ({ get, call }) =>
    installationJson(await get(id, call("installations show"))),
  );
  for (const [name, value] of Object.entries(shown)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    world.print(`${name.padEnd(20)}  ${printable(text)}`.trimEnd());
  }
  return { code: 0, result: { installation: shown } };
};
