import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { Telemetry } from "../../domain/telemetry.ts";
import type { World } from "../../world.ts";
import { createDispatch } from "../dispatch.ts";
import { createReceiveCall } from "../incoming-calls.ts";
import type { Procedures } from "../procedures.ts";
import { addHealthService } from "./health-service.ts";
import type { HealthStatus } from "./health-status.ts";
import { createOpenStreams } from "./open-streams.ts";
import { addReflectionService } from "./reflection-service.ts";
import { addTokenService } from "./token-service.ts";

export interface GrpcOptions extends Pick<World, "log" | "now" | "random"> {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly procedures: Procedures;
  readonly telemetry?: Telemetry;
  readonly health: HealthStatus;
  /** Larger requests are refused with RESOURCE_EXHAUSTED. 64 KiB by default. */
  readonly maxRequestBytes?: number;
  /** Calls at once on one connection; clients hold further ones back. 1000 by default. */
  readonly maxConcurrentStreams?: number;
}

export interface GrpcListener {
  readonly port: number;
  /**
   * Takes no new calls and ends streams and idle connections; calls under way have `graceMs` to finish. Then they are
   * refused with SERVICE_UNAVAILABLE, and a moment later every connection is cut. Runs once.
   */
  close(graceMs: number): Promise<void>;
}

/** How long a last refusal may travel before its connection is cut. */
const refusalMs = 500;

/** Serves TokenService, health and reflection over HTTP/2 without TLS. Rejects if the port cannot be bound. */
export async function listenGrpc(options: GrpcOptions): Promise<GrpcListener> {
  const server = new Server({
    "grpc.max_receive_message_length": options.maxRequestBytes ?? 64 * 1024,
    "grpc.max_concurrent_streams": options.maxConcurrentStreams ?? 1000,
    // Finds dead clients, whose health watches would stay forever.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.enable_channelz": 0,
  });
  const streams = createOpenStreams();
  const refuseUnanswered = addTokenService(server, createDispatch(options), createReceiveCall(options.random));
  addHealthService(server, options.health, streams);
  addReflectionService(server, streams);

  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const port = await bind(server, `${host}:${options.port}`);
  let closing: Promise<void> | undefined;

  function shutDown(graceMs: number): Promise<void> {
    streams.end();
    // First, since it marks connections as closing and tryShutdown() waits only for the sockets of those;
    // forceShutdown() knows no connections while channelz is off.
    server.drain(`${host}:${port}`, graceMs + refusalMs);
    const refusal = setTimeout(refuseUnanswered, graceMs);
    return new Promise((resolve, reject) => {
      server.tryShutdown((error) => {
        clearTimeout(refusal);
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  return { port, close: (graceMs) => (closing ??= shutDown(graceMs)) };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address} for gRPC`, { cause: error }));
    });
  });
}
