import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import {
  HealthCheckResponse_ServingStatus as Code,
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from "../gen/grpc/health/v1/health_pb.js";

/** One word of a replica about itself. */
export interface HealthChange {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  readonly serving: boolean;
}

export interface HealthWatch {
  readonly changes: readonly HealthChange[];
  close(): void;
}

/** Listens to `grpc.health.v1.Health/Watch` of one replica until closed or the replica ends. */
export function watchHealth(port: number): HealthWatch {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const changes: HealthChange[] = [];
  const request = Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema)));
  const path = `/${Health.typeName}/${Health.method.watch.name}`;
  const stream = client.makeServerStreamRequest(
    path,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
    request,
  );
  stream.on("data", ({ status }: { readonly status: Code }) => {
    changes.push({ at: performance.now(), serving: status === Code.SERVING });
  });
  stream.on("error", () => undefined);
  return {
    changes,
    close() {
      stream.cancel();
      client.close();
    },
  };
}
