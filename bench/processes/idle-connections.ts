import { connect, type Socket } from "node:net";
import { opening, settingsAck } from "../../rig/http2-bytes.ts";
import type { IdleOrder } from "../load/attack.ts";

// Holds connections that never ask for anything, as ordered by its parent.

process.on("message", (order: IdleOrder) => {
  hold(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

const atOnce = 100;

async function hold({ port, connections }: IdleOrder): Promise<{ readonly open: number }> {
  const sockets: Socket[] = [];
  while (sockets.length < connections) {
    const more = Math.min(atOnce, connections - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: more }, () => open(port)))));
  }
  return { open: sockets.filter((socket) => !socket.destroyed).length };
}

/** Resolves when the server has sent its SETTINGS: it has a session then. */
function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(opening));
    socket.once("data", () => {
      socket.write(settingsAck);
      socket.resume();
      resolve(socket);
    });
    socket.on("error", reject);
  });
}
