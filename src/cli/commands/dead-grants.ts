import type { Command } from "../command.ts";
import { operating, operator } from "./operating.ts";

/** `dead-grants`: the platforms that are not believed in what they call dead. */
export const deadGrantsCommand: Command = async (_given, world) =>
  operating(world, async ({ deadGrants }) => {
    const doubts = (await deadGrants.list()).map(({ platform, doubted, since }) => {
      return { platform, doubted, since: since?.toISOString() ?? "" };
    });
    for (const { platform, doubted, since } of doubts) {
      world.print(`${platform} calls ${doubted} grants dead, doubted since ${since}`);
    }
    if (doubts.length === 0) world.print("no grant's death is doubted");
    return { code: 0, result: { platforms: doubts } };
  });

/** `dead-grants confirm PLATFORM`: ends those grants, and for a day whatever the platform calls dead next. */
export const confirmDeadGrantsCommand: Command<readonly [string]> = async (given, world) =>
  operating(world, async ({ deadGrants }) => {
    const [platform] = given.arguments;
    const ended = await deadGrants.confirm(platform, { caller: operator, method: "dead-grants" });
    for (const { id, platform: name } of ended) {
      world.print(`installation ${id} (${name}) asks for reauthorization now`);
    }
    world.print(`what ${platform} calls dead is believed for a day`);
    const installations = ended.map(({ id, platform: name }) => ({ installation_id: id, platform: name }));
    return { code: 0, result: { platform, installations } };
  });
