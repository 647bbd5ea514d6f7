import { METRIC_RPC_SERVER_CALL_DURATION } from "@opentelemetry/semantic-conventions";
import Registry from "prom-client/lib/registry.js";
import { expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
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

test("calls are counted by the conventions for RPC servers, whoever makes them", async () => {
  const { call, read } = metrics(["ci", "web"]);
  call("ci", 0.004);
  call("web", 0.06);
  call("web", 0.2, "NOT_FOUND");
  call("web", 20, "UNAVAILABLE");
  const now = await read();
  const name = METRIC_RPC_SERVER_CALL_DURATION.replaceAll(".", "_");
  const rpc_method = `${TokenService.typeName}/GetToken`;
  const count = (rpc_status_code: string, error_type = "") =>
    now.sum(`${name}_seconds_count`, { rpc_system_name: "grpc", rpc_method, rpc_status_code, error_type });
  expect([count("OK"), count("NOT_FOUND"), count("UNAVAILABLE", "UNAVAILABLE")]).toEqual([2, 1, 1]);
  expect(now.sum(`${name}_seconds_sum`, { rpc_status_code: "OK" })).toBeCloseTo(0.064, 6);
  const bounds = new Set(
    now.samples.filter((sample) => sample.name === `${name}_seconds_bucket`).map(({ labels }) => labels.le),
  );
  // "Metrics: rpc.server.call.duration": what the conventions ask for.
  const asked = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, "+Inf"];
  expect([...bounds]).toEqual(asked.map(String));
  expect(now.sum(`${name}_seconds_bucket`, { rpc_status_code: "OK", le: "0.05" })).toBe(1);
  expect(now.sum(`${name}_seconds_bucket`, { rpc_status_code: "UNAVAILABLE", le: "+Inf" })).toBe(1);
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
