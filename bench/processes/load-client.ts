import { setMaxListeners } from "node:events";
import { Agent, request } from "node:http";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { LoadOrder, LoadReport } from "../load/order.ts";

// Makes calls as ordered by its parent, and reports how long each one took.

process.on("message", (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

type Call = (body: Buffer) => Promise<void>;

async function run(order: LoadOrder): Promise<LoadReport> {
  const connections = await Promise.all(
    order.addresses.flatMap((address) =>
      Array.from({ length: order.connections }, () => (order.protocol === "grpc" ? grpc : http)(address, order)),
    ),
  );
  try {
    return await drive(
      order,
      connections.map((connection) => connection.call),
    );
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** A fixed number of calls is always under way, each connection having its share, until time or count is over. */
async function drive(order: LoadOrder, calls: readonly Call[]): Promise<LoadReport> {
  const { bodies, inFlight, stop } = order;
  const latencies: number[] = [];
  let failed = 0;
  let firstFailure: string | undefined;
  let begun = 0;
  const startedAt = performance.now();
  const more = () => (stop.kind === "calls" ? begun < stop.calls : performance.now() - startedAt < stop.seconds * 1000);

  async function worker(call: Call): Promise<void> {
    while (more()) {
      const body = bodies[begun++ % bodies.length] ?? Buffer.alloc(0);
      const at = performance.now();
      try {
        await call(body);
      } catch (error) {
        failed += 1;
        firstFailure ??= error instanceof Error ? error.message : "unknown";
      }
      latencies.push(performance.now() - at);
    }
  }
  const workers = Array.from({ length: inFlight }, (_, i) => calls[i % calls.length]).filter(
    (call) => call !== undefined,
  );
  await Promise.all(workers.map(worker));
  const seconds = (performance.now() - startedAt) / 1000;
  return { latenciesMs: Float64Array.from(latencies), failed, firstFailure, seconds };
}

interface Connection {
  readonly call: Call;
  close(): void;
}

async function grpc(address: string, { path, authorization }: LoadOrder): Promise<Connection> {
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 5_000, (error) => (error === undefined ? resolve() : reject(error)));
  });
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set("authorization", authorization);
  return {
    call: (body) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, asIs, asIs, body, metadata, (error) =>
          error === null ? resolve() : reject(error),
        );
      }),
    close: () => client.close(),
  };
}

async function http(address: string, { path, authorization, bodies }: LoadOrder): Promise<Connection> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  setMaxListeners(0, agent);
  const [host, port] = address.split(":");
  const method = bodies.length === 0 ? "GET" : "POST";
  return {
    call: (body) =>
      new Promise((resolve, reject) => {
        const own = authorization === undefined ? {} : { authorization };
        const content = { "content-type": "application/json", "content-length": body.length };
        const headers = method === "GET" ? own : { ...content, ...own };
        const sent = request({ host, port, path, method, agent, headers }, (response) => {
          response.resume();
          response.once("end", () =>
            response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`)),
          );
        });
        sent.once("error", reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
