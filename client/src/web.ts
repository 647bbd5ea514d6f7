import { connectOverFetch } from "./calls/connect-over-fetch.ts";
import type { Way } from "./calls/way.ts";
import { createClientBy } from "./create-client.ts";
import type { Settings } from "./settings.ts";
import type { ClientOptions, TokenClient } from "./token-client.ts";

export type * from "./call-options.ts";
export type * from "./installation.ts";
export type * from "./token-client.ts";
export { TokenServiceError } from "./token-service-error.ts";

/** As in Node, by Connect alone: nothing of Node is needed. @throws TypeError for options that make no client. */
export function createTokenClient(options: ClientOptions = {}): TokenClient {
  return createClientBy(openWay, options);
}

function openWay({ address, ca, credentials }: Settings): Way {
  if (address.kind === "grpc") throw new TypeError("outside of Node address is the URL of the internal listener");
  if (ca !== undefined || (credentials !== undefined && "certificate" in credentials)) {
    throw new TypeError("outside of Node there are no certificates of one's own");
  }
  return connectOverFetch(address.target);
}
