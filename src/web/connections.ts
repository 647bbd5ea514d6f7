import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { perObject } from "../work/per-object.ts";
import { Roster } from "../work/roster.ts";

/** The open connections of a server, and which of them have a request in work. */
export interface Connections {
  /** From now on a connection is closed as soon as it has nothing in work; those without are closed at once. */
  drain(): void;
  /** Closes what is left, answered or not. */
  destroy(): void;
}

interface Connection {
  /** Under way. */
  requests: number;
  readonly sinceMs: number;
}

const connectionOf = perObject((_: Socket): Connection => ({ requests: 0, sinceMs: performance.now() }));

/** A connection that is older than `maxAgeMs` is closed with its next answer: clients come again, by what holds then. */
export function trackConnections(server: Server, maxAgeMs: number): Connections {
  /** Where requests arrive: with TLS, not before the handshake is done. */
  const open = new Roster<Socket>();
  /** Everything that was accepted. */
  const accepted = new Roster<Socket>();
  let draining = false;

  function closeIfIdle(socket: Socket): void {
    if (connectionOf(socket).requests === 0) socket.destroySoon();
  }

  server.on("connection", (socket) => {
    socket.once("close", accepted.add(socket));
  });
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) => {
    connectionOf(socket);
    socket.once("close", open.add(socket));
    if (draining) closeIfIdle(socket);
  });
  server.on("request", ({ socket }, response) => {
    const connection = connectionOf(socket);
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
      for (const socket of open) closeIfIdle(socket);
    },
    destroy: () => {
      for (const socket of accepted) socket.destroy();
    },
  };
}
