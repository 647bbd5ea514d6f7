import { Secret } from "../../secret.ts";
import type { World } from "../../world.ts";
import { proofOf } from "../model/client-proof.ts";
import type { ClientProof, Platform } from "../model/platform.ts";

/**
 * Asks a platform whether it knows the configured client, by a code that nobody was given. `installId` is that of any
 * installation there: some platforms look at it first.
 */
export async function proveClient(
  platform: Platform,
  asked: { readonly redirectUri: string; readonly installId: string | undefined },
  { random, now }: Pick<World, "random" | "now">,
): Promise<ClientProof> {
  const { redirectUri, installId: hint } = asked;
  const code = new Secret(random(20).toString("hex"));
  const codeVerifier = platform.usesPkce(hint) ? new Secret(random(32).toString("base64url")) : undefined;
  const madeUp = { code, codeVerifier, redirectUri, hint, begunAt: now() };
  return platform.proveClient?.(madeUp) ?? proofOf(await platform.exchange(madeUp));
}
