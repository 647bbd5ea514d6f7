import { Server, type ServerCredentials } from "@grpc/grpc-js";
import type { CertificateStore } from "../../tls/certificate-store.ts";
import { createDispatch, type DispatchParts } from "../dispatch.ts";
import { createDispatchStream } from "../streams/dispatch-stream.ts";
import { trackAcceptedSockets } from "./accepted-sockets.ts";
import { type ConnectionLimits, channelOptions, limitHttp2 } from "./connection-limits.ts";
import { addHealthService } from "./health-service.ts";
import type { HealthStatus } from "./health-status.ts";
import { createOpenStreams } from "./open-streams.ts";
import { addReflectionService, services } from "./reflection-service.ts";
import { createServerCredentials } from "./server-credentials.ts";
import { guardSessions } from "./session-guard.ts";
import { type AddressOf, addGrpcService } from "./token-service.ts";
import { defaultPatience, endUnfinishedRequests } from "./unfinished-requests.ts";

export interface GrpcOptions extends DispatchParts, ConnectionLimits {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly health: HealthStatus;
  /** Undefined: no TLS. */
  readonly certificates?: CertificateStore | undefined;
  /** The caller's address where proxies are trusted; the peer's by default. */
  readonly addressOf?: AddressOf;
}

export interface GrpcListener {
  readonly port: number;
  /**
   * Takes no new calls and ends streams and idle connections; calls under way have `graceMs` to finish. Then they are
   * refused with SERVICE_UNAVAILABLE, and a moment later every connection is cut. Runs once.
   */
  close(graceMs: number): Promise<void>;
}

const methods = services.flatMap((service) => service.methods);

/** How long a last refusal may travel before its connection is cut. */
const refusalMs = 500;
/** How long a connection's own farewell may travel. */
const farewellMs = 100;

/** Serves TokenService, health and reflection over HTTP/2. Rejects if the port cannot be bound. */
export async function listenGrpc(options: GrpcOptions): Promise<GrpcListener> {
  const server = new Server(channelOptions(options));
  limitHttp2(server);
  const streams = createOpenStreams(options.streams);
  const refuseUnanswered = addGrpcService(
    server,
    { unary: createDispatch(options), stream: createDispatchStream(options) },
    options.addressOf,
  );
  addHealthService(server, options.health, streams);
  addReflectionService(server, streams);

  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const sockets = trackAcceptedSockets();
  const credentials = createServerCredentials(options.certificates);
  const port = await bind(server, `${host}:${options.port}`, credentials).catch((error: unknown) => {
    sockets.stop();
    throw error;
  });
  const guard = guardSessions(port, options.log);
  const unfinished = endUnfinishedRequests(server, methods, options.patience ?? defaultPatience);
  let closing: Promise<void> | undefined;

  function shutDown(graceMs: number): Promise<void> {
    streams.end();
    // First, since it marks connections as closing and tryShutdown() waits only for the sockets of those;
    // forceShutdown() knows no connections while channelz is off.
    server.drain(`${host}:${port}`, graceMs + refusalMs);
    const refusal = setTimeout(refuseUnanswered, graceMs);
    const cut = setTimeout(() => sockets.destroy(port), graceMs + refusalMs + farewellMs);
    return new Promise((resolve, reject) => {
      server.tryShutdown((error) => {
        for (const timer of [refusal, cut]) clearTimeout(timer);
        sockets.stop();
        guard.close();
        unfinished.close();
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  return { port, close: (graceMs) => (closing ??= shutDown(graceMs)) };
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address} for gRPC`, { cause: error }));
    });
  });
}
