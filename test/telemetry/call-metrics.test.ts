import Registry from "prom-client/lib/registry.js";
import { expect, test } from "vitest";
import { createCallMetrics } from "../../src/telemetry/call-metrics.ts";
import { parse } from "./scrape.ts";

const prefix = "oauth_token_service_";

function metrics(callers: readonly string[]) {
  const registry = new Registry();
  const { finished, know } = createCallMetrics(registry);
  know(callers);
  const call = (caller: string, seconds: number, code = "OK") =>
    finished({ method: "GetToken", caller, code, reason: undefined, seconds });
  return { call, read: async () => parse(await registry.metrics()) };
}

test("callers nobody configured are counted as one", async () => {
  const { call, read } = metrics(["ci"]);
  call("ci", 0.001);
  for (let i = 0; i < 50; i++) call(`stranger-${i}`, 0.001);
  for (let i = 0; i < 50; i++) call(`stranger-${i}`, 0.001, "NOT_FOUND");
  const now = await read();
  const name = `${prefix}calls_total`;
  expect(now.sum(name, { caller: "ci", code: "OK" })).toBe(1);
  expect(now.sum(name, { caller: "other", code: "OK" })).toBe(50);
  expect(now.sum(name, { caller: "other", code: "NOT_FOUND" })).toBe(50);
  expect(now.text).not.toContain("stranger");
});

test("the latency histogram is cumulative, and complete beyond its last bound", async () => {
  const { call, read } = metrics(["ci"]);
  for (const seconds of [0.0004, 0.0005, 0.0006, 0.3, 60]) call("ci", seconds);
  const now = await read();
  const upTo = (le: string) => now.sum(`${prefix}call_duration_seconds_bucket`, { le, caller: "ci" });
  expect(["0.0005", "0.001", "0.25", "0.5", "10", "+Inf"].map(upTo)).toEqual([2, 3, 3, 4, 4, 5]);
  expect(now.sum(`${prefix}call_duration_seconds_count`)).toBe(5);
  expect(now.sum(`${prefix}call_duration_seconds_sum`)).toBeCloseTo(60.3015, 6);
});

test("a caller's name is written as the text format asks for", async () => {
  const name = 'a "quoted\\ name';
  const { call, read } = metrics([name]);
  call(name, 0.001);
  expect((await read()).text).toContain('caller="a \\"quoted\\\\ name",code="OK",reason=""} 1');
});

test("what alerts watch is there before it happens", async () => {
  const now = await metrics(["ci"]).read();
  for (const code of ["INTERNAL", "DATA_LOSS"]) {
    expect(now.samples).toContainEqual(
      expect.objectContaining({ labels: expect.objectContaining({ caller: "ci", code }), value: 0 }),
    );
  }
});
