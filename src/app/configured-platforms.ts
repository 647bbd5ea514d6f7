import type { Config } from "../config/load-config.ts";
import type { Platforms } from "../domain/model/platforms.ts";
import type { Telemetry } from "../domain/model/telemetry.ts";
import { withBreaker } from "../domain/refreshing/breaker.ts";
import { withOwnGrants } from "../domain/refreshing/own-grants.ts";
import { createPlatforms } from "../platforms/platforms.ts";
import { measuredPlatform } from "../telemetry/measured-platform.ts";
import type { World } from "../world.ts";

/** The platforms that have settings. @throws Error if two of them are one client: what one connects the other would spend. */
export function configuredPlatforms({ platforms, products }: Config, world: World, telemetry: Telemetry): Platforms {
  const clients = new Map<string, string>();
  const wired = platforms.map(({ kind, create }) => {
    const platform = create(world);
    const client = `${kind} ${platform.registration}`;
    const other = clients.get(client);
    if (other !== undefined) {
      throw new Error(
        `${other} and ${platform.name} are the same client: register one of its own at the platform for each`,
      );
    }
    clients.set(client, platform.name);
    return withOwnGrants(withBreaker(measuredPlatform(platform, telemetry)));
  });
  return createPlatforms(
    wired,
    products.map(({ name }) => name),
  );
}
