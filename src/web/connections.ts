import type { Server } from "node:http";
import type { Socket } from "node:net";

/** The open connections of a server, and which of them have a request in work. */
export interface Connections {
  /** From now on a connection is closed as soon as it has nothing in work; those without are closed at once. */
  drain(): void;
  /** Closes what is left, answered or not. */
  destroy(): void;
}

export function trackConnections(server: Server): Connections {
  const inWork = new Map<Socket, number>();
  let draining = false;

  function count(socket: Socket, change: number): void {
    const requests = inWork.get(socket);
    if (requests !== undefined) inWork.set(socket, requests + change);
  }

  function closeIfIdle(socket: Socket): void {
    if (inWork.get(socket) === 0) socket.destroySoon();
  }

  server.on("connection", (socket) => {
    inWork.set(socket, 0);
    socket.once("close", () => inWork.delete(socket));
  });
  server.on("request", ({ socket }, response) => {
    count(socket, 1);
    response.once("close", () => {
      count(socket, -1);
      if (draining) closeIfIdle(socket);
    });
  });

  return {
    drain: () => {
      draining = true;
      for (const socket of inWork.keys()) closeIfIdle(socket);
    },
    destroy: () => {
      for (const socket of inWork.keys()) socket.destroy();
    },
  };
}
