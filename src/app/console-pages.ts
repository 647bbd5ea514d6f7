import type { Config } from "../config/load-config.ts";
import { revocationReach } from "../domain/installations/foresee-revocation.ts";
import type { Platforms } from "../domain/model/platforms.ts";
import type { KeyRing } from "../storage/seal/key-ring.ts";
import { createOpaqueTokens } from "../storage/seal/opaque-tokens.ts";
import { type ConsoleOptions, createConsole } from "../web/console/create-console.ts";
import type { World } from "../world.ts";

/** The pages of the console, with what is sealed for them sealed by the ring. */
export function openConsole(
  parts: Pick<ConsoleOptions, "calls" | "watch" | "listConcerns" | "authenticate" | "rateLimits" | "note"> & {
    readonly platforms: Platforms;
    /** Undefined until callers are listened to. */
    readonly grpcPort: () => number | undefined;
    readonly config: Config;
    readonly world: World;
    readonly keys: KeyRing;
  },
): ReturnType<typeof createConsole> {
  const { config, world, keys, platforms, grpcPort } = parts;
  const sealedFor = (purpose: string) => createOpaqueTokens({ keys, random: world.random, purpose });
  return createConsole({
    ...parts,
    ...world,
    signsIn: config.authConfig !== undefined,
    https: config.tls !== undefined || config.tlsTerminated,
    sealed: { session: sealedFor("console session"), form: sealedFor("console form") },
    products: config.products.map((product) => ({
      ...product,
      missing: config.notConfigured.includes(product.name) ? config.needs.get(product.name) : undefined,
    })),
    productsOf: (platform) => platforms.byName(platform)?.products ?? [platform],
    revocationReach: (platform) => revocationReach(platforms, platform),
    grpcDoor() {
      const port = grpcPort();
      return port === undefined ? undefined : { port, tls: config.tls !== undefined };
    },
  });
}
