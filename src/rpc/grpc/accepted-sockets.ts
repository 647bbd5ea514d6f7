import { channel } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { Roster } from "../../work/roster.ts";

/** The connections that the servers of this process have accepted. */
export interface AcceptedSockets {
  /** Cuts those of the listener on `port`, whatever the other side does. */
  destroy(port: number): void;
  /** Keeps account no longer. */
  stop(): void;
}

/** grpc-js knows sessions only: a peer that reads nothing keeps the socket of an ended session open. */
export function trackAcceptedSockets(): AcceptedSockets {
  const open = new Roster<Socket>();
  const accepted = channel("net.server.socket");

  function add(message: unknown): void {
    const { socket } = message as { readonly socket: Socket };
    socket.once("close", open.add(socket));
  }

  accepted.subscribe(add);
  return {
    destroy(port) {
      for (const socket of open) if (socket.localPort === port) socket.destroy();
    },
    stop: () => void accepted.unsubscribe(add),
  };
}
