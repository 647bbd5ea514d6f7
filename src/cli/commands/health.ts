import { createSecureContext } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials } from "@grpc/grpc-js";
import {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../gen/grpc/health/v1/health_pb.js";
import type { Listeners } from "../../config/listeners.ts";
import { loadListeners } from "../../config/load-parts.ts";
import type { Command, CommandWorld } from "../command.ts";

const deadlineMs = 3_000;
const channelOptions = {
  // What is asked is on this machine, or named by the operator: a proxy for calls to the outside has no part in it.
  "grpc.enable_http_proxy": 0,
  // TLS wants a name where there may be an address; whose it is is known by its certificate.
  "grpc.ssl_target_name_override": "localhost",
};

/** `health [--address HOST:PORT]`: asks the gRPC health service. Done only if it answers SERVING. */
export const healthCommand: Command<readonly [], "address"> = async ({ values }, world) => {
  const listeners = loadListeners(world.env, world.readFile);
  const address = values.address ?? ownAddress(listeners);
  const status = await check(address, credentialsFor(listeners, world), new Date(world.now().getTime() + deadlineMs));
  world.print(ServingStatus[status]);
  return { code: status === ServingStatus.SERVING ? 0 : 1, result: { address, status: ServingStatus[status] } };
};

/** Where the listener can be reached from here: one that is bound to every address, on loopback. */
function ownAddress({ grpc: { host, port } }: Listeners): string {
  if (/^[0.]+$/.test(host)) return `127.0.0.1:${port}`;
  if (/^[0:]+$/.test(host)) return `[::1]:${port}`;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** With TLS nothing but the configured certificate is believed, by whatever name the listener is called here. */
function credentialsFor({ tls }: Listeners, { readFile }: CommandWorld): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const context = createSecureContext({ ca: readFile(tls.cert), allowPartialTrustChain: true });
  return credentials.createFromSecureContext(context, { checkServerIdentity: () => undefined });
}

async function check(address: string, channel: ChannelCredentials, deadline: Date): Promise<ServingStatus> {
  const client = new Client(address, channel, channelOptions);
  try {
    const response = await new Promise<HealthCheckResponse | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${Health.typeName}/${Health.method.check.name}`,
        (bytes: Buffer) => bytes,
        (bytes) => fromBinary(HealthCheckResponseSchema, bytes),
        Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema))),
        { deadline },
        (error, answer) => {
          if (error === null) resolve(answer);
          else reject(new Error(`no health from ${address}: ${error.details}`, { cause: error }));
        },
      );
    });
    return response?.status ?? ServingStatus.UNKNOWN;
  } finally {
    client.close();
  }
}
