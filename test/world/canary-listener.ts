import { once } from "node:events";
import { connect, createServer } from "node:net";

/** A listener that nothing should reach, on every address of this machine. It hangs up on whoever comes. */
export interface CanaryListener {
  readonly port: number;
  /** Connections made up to now; those that are still on their way are counted as well. */
  count(): Promise<number>;
  close(): Promise<void>;
}

/** Connections are accepted in order: one of our own tells that all before it have been seen. */
export async function openCanaryListener(): Promise<CanaryListener> {
  const accepted: (number | undefined)[] = [];
  const markers = new Set<number | undefined>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    accepted.push(socket.remotePort);
    server.emit("accepted");
    socket.destroy();
  });
  server.listen(0);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  const { port } = address;

  return {
    port,
    async count() {
      const marker = connect(port, "127.0.0.1").on("error", () => {});
      await once(marker, "connect");
      const { localPort } = marker;
      markers.add(localPort);
      while (!accepted.includes(localPort)) await once(server, "accepted");
      marker.destroy();
      return accepted.filter((from) => !markers.has(from)).length;
    },
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}
