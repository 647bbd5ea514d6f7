import { setMaxListeners } from "node:events";
import { Agent, request } from "node:http";
import type { LoadOrder, LoadReport } from "../load/order.ts";
import type { Connection } from "./connection.ts";
import { connectGrpc } from "./grpc-connection.ts";

// Makes calls as ordered by its parent, and reports how long each one took.

process.on("message", (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

type Call = Connection["call"];

async function run(order: LoadOrder): Promise<LoadReport> {
  const connections = await Promise.all(
    order.addresses.flatMap((address) =>
      Array.from({ length: order.connections }, () => (order.protocol === "grpc" ? connectGrpc : http)(address, order)),
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
