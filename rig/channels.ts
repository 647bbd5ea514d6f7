import type { ChannelOptions } from "@grpc/grpc-js";
import { TokenService } from "../gen/oauth/token/v1/token_service_pb.js";

const own = { "grpc.use_local_subchannel_pool": 1 };
const loadBalancingConfig = [{ round_robin: {} }];

/** One address, tried again soon after it was dead; retries are left to whoever counts them. */
export const plainChannel: ChannelOptions = {
  ...own,
  "grpc.enable_retries": 0,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 300,
};

/** All addresses, and gRPC's standard retry policy (gRFC A6) on UNAVAILABLE. */
export const retryingChannel: ChannelOptions = {
  ...own,
  "grpc.service_config": JSON.stringify({
    loadBalancingConfig,
    methodConfig: [
      {
        name: [{ service: TokenService.typeName }],
        retryPolicy: {
          maxAttempts: 4,
          initialBackoff: "0.1s",
          maxBackoff: "1s",
          backoffMultiplier: 2,
          retryableStatusCodes: ["UNAVAILABLE"],
        },
      },
    ],
  }),
};

/** All addresses without retries: what the network shows. */
export const rawChannel: ChannelOptions = {
  ...own,
  "grpc.enable_retries": 0,
  "grpc.service_config": JSON.stringify({ loadBalancingConfig }),
};

/** The address of several replicas on loopback. */
export function addressOf(ports: readonly number[]): string {
  return `ipv4:${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
}
