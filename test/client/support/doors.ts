import { randomUUID } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { onTestFinished } from "vitest";
import type { ClientOptions, TokenClient } from "../../../client/src/index.ts";
import { createTokenClient } from "../../../client/src/index.ts";
import { createTestWorld } from "../../../rig/world.ts";
import type { IssuedToken } from "../../../src/domain/tokens/issued-token.ts";
import { connectHandler } from "../../../src/rpc/connect/connect-handler.ts";
import { createHealthStatus } from "../../../src/rpc/grpc/health-status.ts";
import { listenGrpc } from "../../../src/rpc/grpc/listen-grpc.ts";
import type { UseCases } from "../../../src/rpc/methods.ts";
import { createProcedures } from "../../../src/rpc/procedures.ts";
import { Secret } from "../../../src/secret.ts";
import { fakeUseCases, issuedToken, openDoor, sealer } from "../../rpc/fake-use-cases.ts";

export const doors = ["grpc", "connect"] as const;
export type Door = (typeof doors)[number];

/** The service's own doors, in front of use cases of the test. */
export interface Doors {
  address(door: Door): string;
  readonly port: { readonly grpc: number; readonly connect: number };
  /** Headers of what came by Connect. */
  readonly heard: IncomingHttpHeaders[];
  /** Cuts what is connected by Connect, and goes on listening. */
  cut(): void;
  close(): Promise<void>;
}

export async function openDoors(useCases: Partial<UseCases> = {}, grpcPort = 0): Promise<Doors> {
  const world = createTestWorld();
  const procedures = createProcedures({ useCases: fakeUseCases(useCases), sealer });
  const place = { host: "127.0.0.1", port: grpcPort };
  const health = createHealthStatus();
  const grpc = await listenGrpc({ ...world, ...openDoor, ...place, procedures, health });
  const heard: IncomingHttpHeaders[] = [];
  const app = express();
  app.use((request, _response, next) => {
    heard.push(request.headers);
    next();
  });
  app.use(connectHandler({ ...world, ...openDoor, procedures }));
  const server = await listening(createServer(app));
  const port = { grpc: grpc.port, connect: (server.address() as AddressInfo).port };
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    server.closeAllConnections();
    await Promise.all([grpc.close(0), new Promise((resolve) => server.close(resolve))]);
  };
  onTestFinished(close);
  return {
    port,
    heard,
    cut: () => server.closeAllConnections(),
    close,
    address: (door) => (door === "grpc" ? `127.0.0.1:${port.grpc}` : `http://127.0.0.1:${port.connect}`),
  };
}

/** A server on a free port of loopback, closed with the test. */
export async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

/** A client that is closed with the test, and warns nobody. */
export function openClient(options: ClientOptions): TokenClient & { readonly warnings: readonly unknown[][] } {
  const warnings: unknown[][] = [];
  const log = { warn: (fields: object, message: string) => void warnings.push([fields, message]) };
  const client = createTokenClient({ fallback: false, log, ...options });
  onTestFinished(() => client.close());
  return { ...client, warnings };
}

/** Another token each time, which lives for `lifeMs`. */
export function issue(lifeMs: number | undefined = 3_600_000, changes: Partial<IssuedToken> = {}): IssuedToken {
  const token = new Secret(`ghs_${randomUUID()}`);
  const expiresAt = lifeMs === undefined ? undefined : new Date(Date.now() + lifeMs);
  return { ...issuedToken, token, tokenId: token.fingerprint(), expiresAt, ...changes };
}
