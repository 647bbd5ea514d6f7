import postgres from "postgres";
import type { DatabaseOrder } from "../load/database-client.ts";
import type { LoadReport } from "../load/order.ts";

// Runs one statement again and again with postgres.js, as ordered by its parent: what the database alone can do.

process.on("message", (order: DatabaseOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

async function run({ url, statement, keys, inFlight, seconds }: DatabaseOrder): Promise<LoadReport> {
  const sql = postgres(url, { max: Math.min(inFlight, 10), fetch_types: false });
  try {
    // Opens the connections and prepares the statement on each.
    await Promise.all(keys.slice(0, 100).map((key) => sql.unsafe(statement, [key], { prepare: true })));
    const latencies: number[] = [];
    let begun = 0;
    const startedAt = performance.now();
    const worker = async () => {
      while (performance.now() - startedAt < seconds * 1000) {
        const at = performance.now();
        await sql.unsafe(statement, [keys[begun++ % keys.length] ?? null], { prepare: true });
        latencies.push(performance.now() - at);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    const took = (performance.now() - startedAt) / 1000;
    return { latenciesMs: Float64Array.from(latencies), failed: 0, firstFailure: undefined, seconds: took };
  } finally {
    await sql.end();
  }
}
