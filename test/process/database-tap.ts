import { connect, createServer, type Socket } from "node:net";

/** What the service says to the database at once. */
export interface Saying {
  /** With the text of a statement where it is prepared, which is the first time on each connection. */
  readonly text: string;
  /** Whether something is executed, not only prepared. */
  readonly executes: boolean;
}

/** Stands between the service and Postgres, and hears everything before it is done. */
export interface DatabaseTap {
  /** The database's URL by way of the tap. */
  readonly url: string;
  /** Decides about each saying: what is dropped never reaches the database. */
  onSaying: (saying: Saying) => "forward" | "drop";
  close(): Promise<void>;
}

export async function tapDatabase(databaseUrl: string): Promise<DatabaseTap> {
  const url = new URL(databaseUrl);
  const target = Number(url.port);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (chunk) => {
      const saying = { text: chunk.toString("latin1"), executes: executes(chunk) };
      if (tap.onSaying(saying) === "forward") upstream.write(chunk);
    });
    upstream.on("data", (chunk) => void client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  url.port = String(address.port);
  const tap: DatabaseTap = {
    url: url.href,
    onSaying: () => "forward",
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return tap;
}

/**
 * Whether a chunk of the client's side has an Execute or a simple Query (PostgreSQL documentation, "Message Formats").
 * The driver writes whole messages; what it prepares alone changes nothing in the database.
 */
function executes(chunk: Buffer): boolean {
  for (let at = 0; at + 5 <= chunk.length; at += 1 + chunk.readInt32BE(at + 1)) {
    const type = String.fromCharCode(chunk[at] ?? 0);
    if (type === "E" || type === "Q") return true;
    // The first message of a connection has no type; nothing is shorter than its own length.
    if (type === "\0" || chunk.readInt32BE(at + 1) < 4) return false;
  }
  return false;
}
