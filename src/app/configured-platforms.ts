import type { Config } from "../config/load-config.ts";
import type { Platforms } from "../domain/model/platforms.ts";
import type { Telemetry } from "../domain/model/telemetry.ts";
import { withBreaker } from "../domain/refreshing/breaker.ts";
import { withOwnGrants } from "../domain/refreshing/own-grants.ts";
import { createPlatforms } from "../platforms/platforms.ts";
import { measuredPlatform } from "../telemetry/measured-platform.ts";
import type { World } from "../world.ts";

/** The platforms that have settings. */
export function configuredPlatforms({ platforms, products }: Config, world: World, telemetry: Telemetry): Platforms {
  const wired = platforms.map((platform) =>
    withOwnGrants(withBreaker(measuredPlatform(platform.create(world), telemetry))),
  );
  return createPlatforms(
    wired,
    products.map(({ name }) => name),
  );
}
