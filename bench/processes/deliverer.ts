import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import type { DeliveryOrder, DeliveryReport } from "../load/deliveries.ts";

// Sends deliveries at a steady rate, whether or not those before were answered, and reports how long each answer took.

process.on("message", (order: DeliveryOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

/** As many as a platform's own way out might have. */
const connections = 64;

async function run(order: DeliveryOrder): Promise<DeliveryReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  let accepted = 0;
  let firstFailure: string | undefined;

  function send(): Promise<void> {
    const at = performance.now();
    const { headers, idHeader, url, body } = order;
    return new Promise((resolve) => {
      const end = (failure: string | undefined) => {
        latencies.push(performance.now() - at);
        if (failure === undefined) accepted += 1;
        else firstFailure ??= failure;
        resolve();
      };
      const outgoing = request(
        url,
        { method: "POST", agent, headers: { ...headers, [idHeader]: randomUUID(), "content-length": body.length } },
        (response) => {
          const { statusCode = 0 } = response;
          response.resume().once("end", () => end(statusCode >= 200 && statusCode < 300 ? undefined : `${statusCode}`));
        },
      );
      outgoing.once("error", (error) => end(error.message));
      outgoing.end(body);
    });
  }

  try {
    const sent: Promise<void>[] = [];
    const startedAt = performance.now();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const passed = (performance.now() - startedAt) / 1000;
        while (sent.length < Math.min(passed, order.seconds) * order.perSecond) sent.push(send());
        if (passed < order.seconds) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
    await Promise.all(sent);
    return { latenciesMs: Float64Array.from(latencies), accepted, firstFailure };
  } finally {
    agent.destroy();
  }
}
