import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { CertificateStore } from "../tls/certificate-store.ts";
import { fixedServerOptions } from "../tls/server-options.ts";
import { type Connections, trackConnections } from "./connections.ts";
import { requestTarget } from "./request-target.ts";

export interface Listener {
  /** The port that was bound; of use where 0 was asked for. */
  readonly port: number;
  /** Takes no more connections, closes the idle ones at once, and the others when they have answered or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface Limits {
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs?: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs?: number;
  /** Of a connection with a request in work, in either direction: for who reads no answer. */
  readonly silenceTimeoutMs?: number;
  /** Then a connection is closed with its next answer, by which new certificates come into use. */
  readonly maxConnectionAgeMs?: number;
}

export interface ListenOptions extends Limits {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Undefined: no TLS. */
  readonly certificates?: CertificateStore | undefined;
}

/**
 * Serves `app` over HTTP/1.1. A slow request is answered with 408, oversize headers (16 KiB) or URLs with 431, an
 * unreadable target with 400.
 * @throws Error if the address cannot be bound.
 */
export async function listen(app: RequestListener, options: ListenOptions): Promise<Listener> {
  const server = createHttpServer(options.certificates, {
    headersTimeout: options.headersTimeoutMs ?? 5_000,
    requestTimeout: options.requestTimeoutMs ?? 5_000,
    // Longer than the idle time-out of the usual load balancers, so that they close first.
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 16_384,
  });
  // Longer than any call takes to answer.
  server.timeout = options.silenceTimeoutMs ?? 75_000;
  const connections = trackConnections(server, options.maxConnectionAgeMs ?? 30 * 60_000);
  server.on("request", (request, response) => {
    const target = requestTarget(request.url ?? "");
    if (target === undefined) {
      response.writeHead(400, { Connection: "close" }).end();
      return;
    }
    request.url = target;
    app(request, response);
  });
  await bind(server, options);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  let closing: Promise<void> | undefined;
  return { port: address.port, close: (graceMs) => (closing ??= close(server, connections, graceMs)) };
}

/** Later certificates are for new connections; open ones go on. */
function createHttpServer(certificates: CertificateStore | undefined, options: ServerOptions): Server {
  if (certificates === undefined) return createServer(options);
  const { current } = certificates;
  const server = createTlsServer({ ...options, ...fixedServerOptions(current), ...current });
  const stop = certificates.subscribe((context) => server.setSecureContext(context));
  return server.once("close", stop);
}

function bind(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server, connections: Connections, graceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const grace = setTimeout(connections.destroy, graceMs);
    server.close((error) => {
      clearTimeout(grace);
      if (error === undefined) resolve();
      else reject(error);
    });
    connections.drain();
  });
}
