import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";

/** The open connections of a server, and which of them have a request in work. */
export interface Connections {
  /** From now on a connection is closed as soon as it has nothing in work; those without are closed at once. */
  drain(): void;
  /** Closes what is left, answered or not. */
  destroy(): void;
}

interface Connection {
  requests: number;
  readonly sinceMs: number;
}

/** A connection that is older than `maxAgeMs` is closed with its next answer: clients come again, by what holds then. */
export function trackConnections(server: Server, maxAgeMs: number): Connections {
  /** Where requests arrive: with TLS, not before the handshake is done. */
  const open = new Map<Socket, Connection>();
  /** Everything that was accepted. */
  const accepted = new Set<Socket>();
  let draining = false;

  function closeIfIdle(socket: Socket): void {
    if (open.get(socket)?.requests === 0) socket.destroySoon();
  }

  server.on("connection", (socket) => {
    accepted.add(socket);
    socket.once("close", () => accepted.delete(socket));
  });
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) => {
    open.set(socket, { requests: 0, sinceMs: performance.now() });
    socket.once("close", () => open.delete(socket));
    if (draining) closeIfIdle(socket);
  });
  server.on("request", ({ socket }, response) => {
    const connection = open.get(socket);
    if (connection === undefined) return;
    connection.requests++;
    if (performance.now() - connection.sinceMs > maxAgeMs) response.shouldKeepAlive = false;
    response.once("close", () => {
      connection.requests--;
      if (draining) closeIfIdle(socket);
    });
  });

  return {
    drain: () => {
      draining = true;
      for (const socket of open.keys()) closeIfIdle(socket);
    },
    destroy: () => {
      for (const socket of accepted) socket.destroy();
    },
  };
}
