import { Client, credentials } from "@grpc/grpc-js";
import type { PacedOrder } from "../load/paced-client.ts";

// Makes calls at a steady rate, whether or not those before were answered, and reports how long each one took.

process.on("message", (order: PacedOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

async function run({ address, path, body, callsPerSecond, seconds }: PacedOrder) {
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const latencies: number[] = [];
  let failed = 0;
  let firstFailure: string | undefined;

  function call(): Promise<void> {
    const at = performance.now();
    return new Promise((resolve) => {
      client.makeUnaryRequest(path, asIs, asIs, body, { deadline: Date.now() + 10_000 }, (error) => {
        latencies.push(performance.now() - at);
        if (error !== null) {
          failed += 1;
          firstFailure ??= error.message;
        }
        resolve();
      });
    });
  }

  try {
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 5_000, (error) => (error === undefined ? resolve() : reject(error)));
    });
    await call();
    latencies.length = 0;
    const calls: Promise<void>[] = [];
    const startedAt = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const passed = (performance.now() - startedAt) / 1000;
        while (calls.length < Math.min(passed, seconds) * callsPerSecond) calls.push(call());
        if (passed < seconds) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
    await Promise.all(calls);
    return { latenciesMs: Float64Array.from(latencies), failed, firstFailure };
  } finally {
    client.close();
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
