import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import {
  Health,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health_pb.js";
import { loadListeners } from "../config/load-config.ts";
import { type Command, type CommandWorld, notUnderstood } from "./command.ts";

const deadlineMs = 3_000;

/** `health [--address HOST:PORT]`: asks the gRPC health service. Done only if it answers SERVING. */
export const healthCommand: Command = async (args, world) => {
  const [option, given, ...rest] = args;
  if (option !== undefined && (option !== "--address" || given === undefined || rest.length > 0)) return notUnderstood;
  const address = given ?? ownAddress(world);
  const status = await check(address, new Date(world.now().getTime() + deadlineMs));
  world.print(ServingStatus[status]);
  return status === ServingStatus.SERVING ? 0 : 1;
};

function ownAddress({ env, readFile }: CommandWorld): string {
  const { host, port } = loadListeners(env, readFile).grpc;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function check(address: string, deadline: Date): Promise<ServingStatus> {
  const client = new Client(address, credentials.createInsecure());
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
