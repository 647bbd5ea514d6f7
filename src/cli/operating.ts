import { type Operation, openOperation } from "../app/operate.ts";
import { loadConfig } from "../config/load-config.ts";
import { createPlatformFetch } from "../world/platform-fetch.ts";
import type { Log, LogFields } from "../world.ts";
import type { CommandWorld } from "./command.ts";

/** Who is named on record for what a command does. */
export const operator = "operator";

/** Runs work that needs the database and the platforms, with all the settings of the service. */
export async function operating<T>(world: CommandWorld, work: (operation: Operation) => Promise<T>): Promise<T> {
  const { env, readFile, now, random } = world;
  const { config } = loadConfig(env, readFile);
  const { httpsProxy, noProxy } = config.proxy;
  const isOwnHost = (host: string) => config.ownHosts.has(host);
  const { close, ...ways } = createPlatformFetch({ httpsProxy: httpsProxy?.reveal(), noProxy, isOwnHost });
  try {
    const operation = await openOperation(config, { now, random, ...ways, log: complaining(world) });
    try {
      return await work(operation);
    } finally {
      await operation.close();
    }
  } finally {
    await close();
  }
}

/** Standard output is for what was done: trouble on the way there goes beside it. */
function complaining({ complain }: CommandWorld): Log {
  const silent = () => undefined;
  const line = (fields: LogFields, event: string) => complain(JSON.stringify({ event, ...fields }));
  return { trace: silent, debug: silent, info: silent, warn: line, error: line };
}
