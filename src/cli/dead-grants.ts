import { type Command, notUnderstood } from "./command.ts";
import { operating, operator } from "./operating.ts";

const usage = `usage: oauth-token-service dead-grants [confirm PLATFORM] [--json]

Lists the platforms that call so many grants dead at once that it is not believed, and how many. With confirm, a platform
is believed: those grants ask for reauthorization, and for a day so does whatever it calls dead next. A grant that works
after all comes back only when a person connects it again.`;

/** `dead-grants [confirm PLATFORM] [--json]`: grants whose death is doubted. */
export const deadGrantsCommand: Command = async (args, world) => {
  if (args.includes("--help")) {
    world.print(usage);
    return 0;
  }
  const json = args.includes("--json");
  const [verb, platform, ...rest] = args.filter((arg) => arg !== "--json");
  if (rest.length > 0 || (verb !== undefined && (verb !== "confirm" || platform === undefined))) return notUnderstood;
  const line = (fields: object, text: string) => world.print(json ? JSON.stringify(fields) : text);
  return operating(world, async ({ deadGrants }) => {
    if (platform !== undefined) {
      const ended = await deadGrants.confirm(platform, { caller: operator, method: "dead-grants" });
      for (const { id, platform: name } of ended) {
        line({ installation_id: id, platform: name }, `installation ${id} (${name}) asks for reauthorization now`);
      }
      if (!json) world.print(`what ${platform} calls dead is believed for a day`);
      return 0;
    }
    const doubts = await deadGrants.list();
    for (const { platform: name, doubted, since } of doubts) {
      const from = since?.toISOString() ?? "";
      line({ platform: name, doubted, since: from }, `${name} calls ${doubted} grants dead, doubted since ${from}`);
    }
    if (doubts.length === 0 && !json) world.print("no grant's death is doubted");
    return 0;
  });
};
