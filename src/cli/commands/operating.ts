import { type Operation, openOperation } from "../../app/operate.ts";
import { loadConfig } from "../../config/load-config.ts";
import { createPlatformFetch } from "../../world/platform-fetch.ts";
import type { CommandWorld } from "../command.ts";
import { complaining } from "./complaining.ts";
import { existingDatabase } from "./existing-database.ts";

export { type Operation, operator } from "../../app/operate.ts";

/** Runs work that needs the database and the platforms, with all the settings of the service. */
export async function operating<T>(world: CommandWorld, work: (operation: Operation) => Promise<T>): Promise<T> {
  const { env, readFile, now, clock, random } = world;
  const { config } = loadConfig(env, readFile);
  if (config.database.kind === "embedded") existingDatabase(config.database.dataDir);
  const { httpsProxy, noProxy } = config.proxy;
  const isOwnHost = (host: string) => config.ownHosts.has(host);
  const { close, ...ways } = createPlatformFetch({ httpsProxy: httpsProxy?.reveal(), noProxy, isOwnHost });
  try {
    const operation = await openOperation(config, { now, clock, random, ...ways, log: complaining(world) });
    try {
      return await work(operation);
    } finally {
      await operation.close();
    }
  } finally {
    await close();
  }
}
