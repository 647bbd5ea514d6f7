import type { Config } from "../config/load-config.ts";
import { proveClient } from "../domain/connecting/prove-client.ts";
import type { ClientProof } from "../domain/model/platform.ts";
import { silentTelemetry } from "../domain/model/telemetry.ts";
import type { World } from "../world.ts";
import { configuredPlatforms } from "./configured-platforms.ts";
import { publicUrl } from "./public-url.ts";

export type { ClientProof } from "../domain/model/platform.ts";

/** What one configured platform says of our client. */
export interface ProvenClient {
  readonly platform: string;
  /** Where it is told to send browsers back to. */
  readonly redirectUri: string;
  readonly proof: ClientProof;
}

/**
 * Asks every configured platform whether it knows us, all at once. `installIdOf`: of any installation there.
 * @throws Error if two of them are one client.
 */
export async function proveClients(
  config: Config,
  world: World,
  installIdOf: (platform: string) => Promise<string | undefined>,
): Promise<readonly ProvenClient[]> {
  const { all } = configuredPlatforms(config, world, silentTelemetry);
  return Promise.all(
    all.map(async (platform) => {
      const redirectUri = publicUrl(config, `/oauth/callback/${platform.name}`);
      const installId = await installIdOf(platform.name);
      const proof = await proveClient(platform, { redirectUri, installId }, world);
      return { platform: platform.name, redirectUri, proof };
    }),
  );
}
