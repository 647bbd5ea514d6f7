import { connect, createServer, type Socket } from "node:net";

/** Stands between a client and a server on this machine, and breaks the line in the ways lines break. */
export interface TcpProxy {
  readonly port: number;
  /** Connections taken so far. */
  readonly taken: () => number;
  /** `hold_answers`: what the client says arrives, what the server says does not. `hang_up`: closed as soon as opened. */
  set(mode: "forward" | "freeze" | "hold_answers" | "hang_up"): void;
  /** Leads new connections to another port; old ones stay where they are. */
  aim(target: number): void;
  /** Cuts every connection there is. */
  cut(): void;
  close(): Promise<void>;
}

export async function createTcpProxy(first: number): Promise<TcpProxy> {
  let target = first;
  let mode: Parameters<TcpProxy["set"]>[0] = "forward";
  let taken = 0;
  const pairs = new Set<readonly [Socket, Socket]>();

  const server = createServer((client) => {
    taken += 1;
    client.on("error", () => undefined);
    if (mode === "hang_up") return void client.resume().end();
    const upstream = connect(target, "127.0.0.1");
    upstream.on("error", () => client.destroy());
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on("data", (chunk) => void upstream.write(chunk)).on("close", () => end(pair));
    upstream.on("data", (chunk) => void client.write(chunk)).on("close", () => end(pair));
    apply(pair);
  });

  function end(pair: readonly [Socket, Socket]): void {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  }
  function apply([client, upstream]: readonly [Socket, Socket]): void {
    if (mode === "freeze") client.pause();
    else client.resume();
    if (mode === "freeze" || mode === "hold_answers") upstream.pause();
    else upstream.resume();
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  return {
    port: address.port,
    taken: () => taken,
    set: (next) => {
      mode = next;
      for (const pair of pairs) apply(pair);
    },
    aim: (next) => {
      target = next;
    },
    cut: () => {
      for (const pair of pairs) end(pair);
    },
    close: async () => {
      for (const pair of pairs) end(pair);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
