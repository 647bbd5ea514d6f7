import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "../../rig/free-port.ts";
import { startTelemetry } from "../../src/telemetry/start-telemetry.ts";
import { silentLog } from "../contract/harness.ts";
import { call } from "../support/call.ts";

async function closeAfterOneCall(otlpEndpoint: string): Promise<number> {
  const { telemetry, close } = await startTelemetry({ log: silentLog, otlpEndpoint });
  expect(await telemetry.inCall(call(), async () => "answer")).toBe("answer");
  const startedMs = performance.now();
  await close();
  return performance.now() - startedMs;
}

test("a collector that cannot be reached neither fails the end nor holds it up", async () => {
  expect(await closeAfterOneCall(`http://127.0.0.1:${await freePort()}`)).toBeLessThan(5_000);
});

test("neither does one that never answers", async () => {
  const silent = createServer((socket) => void socket.on("error", () => undefined).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await closeAfterOneCall(`http://127.0.0.1:${port}`)).toBeLessThan(5_000);
  silent.close();
});
