import { connectOverFetch } from "./calls/connect-over-fetch.ts";
import { connectOverNode } from "./calls/connect-over-node.ts";
import { grpcWay } from "./calls/grpc.ts";
import type { Way } from "./calls/way.ts";
import { createClientBy } from "./create-client.ts";
import type { Settings } from "./settings.ts";
import type { ClientOptions, TokenClient } from "./token-client.ts";

export type * from "./call-options.ts";
export type * from "./installation.ts";
export type * from "./token-client.ts";
export { TokenServiceError } from "./token-service-error.ts";

/** A client of OAuth Token Service. Make one, and keep it. @throws TypeError for options that make no client. */
export function createTokenClient(options: ClientOptions = {}): TokenClient {
  return createClientBy(openWay, options);
}

function openWay({ address, ca, credentials }: Settings): Way {
  const { kind, target, isEncrypted, isLoopback } = address;
  const own = credentials !== undefined && "certificate" in credentials ? credentials : undefined;
  const tls = isEncrypted ? { ca, ...own } : undefined;
  if (kind === "grpc") return grpcWay(target, tls, isLoopback);
  const isOwnTls = ca !== undefined || own !== undefined;
  return tls !== undefined && isOwnTls ? connectOverNode(target, tls) : connectOverFetch(target);
}
