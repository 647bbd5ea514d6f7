import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

/** The driver was given a connection, and does not write to it. */
class StuckPlace extends Error {
  override readonly name = "StuckPlace";
  readonly code = "CONNECTION_STUCK";
}

/** Turns after which the driver has written its first bytes, which it does in the second. */
const turns = 3;

/**
 * A place in postgres.js' pool whose connection was lost while bytes waited to be written keeps them, and writes nothing to
 * any connection after that one. What waits there fails at once, and not when its time is up, and `stuck` is told.
 */
export async function watchForStuckPlace(socket: Socket, stuck: () => void): Promise<void> {
  let isUsed = false;
  const write = socket.write.bind(socket) as (...said: unknown[]) => boolean;
  socket.write = (...said: unknown[]) => {
    isUsed = true;
    Reflect.deleteProperty(socket, "write");
    return write(...said);
  };
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  if (isUsed || socket.destroyed) return;
  stuck();
  socket.destroy(new StuckPlace("the driver does not write to its connection"));
}
