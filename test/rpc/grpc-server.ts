import type { Client } from "@grpc/grpc-js";
import { afterEach } from "vitest";
import { createTestWorld, type TestWorld } from "../../rig/world.ts";
import { createHealthStatus, type HealthStatus } from "../../src/rpc/grpc/health-status.ts";
import { type GrpcListener, type GrpcOptions, listenGrpc } from "../../src/rpc/grpc/listen-grpc.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { connectClient } from "../support/grpc-client.ts";
import { fakeUseCases, openDoor, sealer } from "./fake-use-cases.ts";

export interface TestGrpc {
  readonly listener: GrpcListener;
  readonly health: HealthStatus;
  readonly world: TestWorld;
  /** Another client of it, closed with the test. */
  client(service: string): Client;
}

/** Starts gRPC servers on free ports and closes them after each test of the file. */
export function useGrpc(): (useCases?: Partial<UseCases>, options?: Partial<GrpcOptions>) => Promise<TestGrpc> {
  const listeners: GrpcListener[] = [];
  const clients: Client[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const listener of listeners.splice(0)) await listener.close(0);
  });

  return async (useCases = {}, options = {}) => {
    const world = createTestWorld();
    const health = createHealthStatus();
    const procedures = createProcedures({ useCases: fakeUseCases(useCases), sealer });
    const place = { host: "127.0.0.1", port: 0 };
    const listener = await listenGrpc({ ...world, ...openDoor, ...place, procedures, health, ...options });
    listeners.push(listener);
    const client = (service: string) => {
      const made = connectClient(service, listener.port);
      clients.push(made);
      return made;
    };
    return { listener, health, world, client };
  };
}
