import { connect, type Socket } from "node:net";
import { flags, frame, frameTypes, headerBlock, opening } from "../../rig/http2-bytes.ts";
import { framed } from "../load/framed.ts";
import type { Connection } from "./connection.ts";

const headBytes = 9;
/** SETTINGS_HEADER_TABLE_SIZE 0, so that nothing has to be decoded, and SETTINGS_INITIAL_WINDOW_SIZE as large as it gets. */
const wishes = frame(frameTypes.settings, 0, 0, Buffer.from("000100000000" + "00047fffffff", "hex"));
const wideWindow = frame(frameTypes.windowUpdate, 0, 0, Buffer.from("7fff0000", "hex"));

interface Waiting {
  answered: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection of unary gRPC calls that takes a fraction of what a library takes, so that a client on one core can keep a
 * server on another one busy. It counts an answer that has a message; what it says is not read. The server's window is not
 * minded: so few small requests are under way that it never closes.
 */
export async function connectGrpc(
  address: string,
  { path, authorization }: { readonly path: string; readonly authorization?: string | undefined },
): Promise<Connection> {
  const block = headerBlock(path, authorization);
  const socket = await opened(address);
  const waiting = new Map<number, Waiting>();
  let nextStream = 1;
  let unread: Buffer = Buffer.alloc(0);
  let unsent: Buffer[] = [];

  const fail = (reason: string) => {
    for (const { reject } of waiting.values()) reject(new Error(reason));
    waiting.clear();
  };
  /** What is asked for in one turn is written at once. */
  const send = (...frames: Buffer[]) => {
    if (unsent.length === 0) process.nextTick(flush);
    unsent.push(...frames);
  };
  function flush(): void {
    socket.write(Buffer.concat(unsent));
    unsent = [];
  }

  function receiveControl(type: number, withFlags: number, payload: Buffer): void {
    const asks = (type === frameTypes.settings || type === frameTypes.ping) && !(withFlags & flags.ack);
    if (asks) send(frame(type, flags.ack, 0, type === frameTypes.ping ? payload : undefined));
    if (type === frameTypes.goAway) fail("the server is going away");
  }
  function receiveAnswer(call: Waiting, type: number, withFlags: number, stream: number, payload: Buffer): void {
    if (type === frameTypes.data && payload.length > 0) call.answered = true;
    const ended = (type === frameTypes.headers || type === frameTypes.data) && Boolean(withFlags & flags.endStream);
    if (!ended && type !== frameTypes.resetStream) return;
    waiting.delete(stream);
    if (ended && call.answered) call.resolve();
    else call.reject(new Error("refused"));
  }
  function receive(type: number, withFlags: number, stream: number, payload: Buffer): void {
    const call = waiting.get(stream);
    if (call !== undefined) receiveAnswer(call, type, withFlags, stream, payload);
    else if (stream === 0) receiveControl(type, withFlags, payload);
  }

  socket.on("data", (bytes: Buffer) => {
    unread = unread.length === 0 ? bytes : Buffer.concat([unread, bytes]);
    let at = 0;
    while (unread.length - at >= headBytes) {
      const end = at + headBytes + unread.readUIntBE(at, 3);
      if (end > unread.length) break;
      const stream = unread.readUInt32BE(at + 5) & 0x7fffffff;
      receive(unread.readUInt8(at + 3), unread.readUInt8(at + 4), stream, unread.subarray(at + headBytes, end));
      at = end;
    }
    unread = unread.subarray(at);
  });
  socket.on("error", (error) => fail(error.message));
  socket.on("close", () => fail("the server hung up"));
  send(opening, wishes, wideWindow);

  return {
    call: (body) =>
      new Promise((resolve, reject) => {
        const stream = nextStream;
        nextStream += 2;
        waiting.set(stream, { answered: false, resolve, reject });
        const headers = frame(frameTypes.headers, flags.endHeaders, stream, block);
        send(headers, frame(frameTypes.data, flags.endStream, stream, framed(body)));
      }),
    close: () => socket.destroy(),
  };
}

function opened(address: string): Promise<Socket> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), noDelay: true }, () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}
