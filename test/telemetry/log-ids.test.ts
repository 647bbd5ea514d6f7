import { expect, test } from "vitest";
import { useService } from "../end-to-end/support/use-service.ts";

const shared = useService();
const spanId = "b7ad6b7169203331";
const newTraceId = () => crypto.randomUUID().replaceAll("-", "");
const traceparent = (traceId: string) => `00-${traceId}-${spanId}-01`;

interface Line {
  readonly event: string;
  readonly requestId?: string;
  readonly traceId?: string;
}

const linesOf = (event: string) =>
  shared.service.world.lines.map((line) => JSON.parse(line) as Line).filter((line) => line.event === event);

test("a call's line has the trace that its caller named, through every door", async () => {
  const { service, caller } = shared;
  const { internalUrl } = service.replicas[0]!;
  const [grpc, connect, rest] = [newTraceId(), newTraceId(), newTraceId()];
  await caller.refusal(
    { platform: "slack" },
    { metadata: { traceparent: traceparent(grpc), "x-request-id": "by-grpc" } },
  );
  await fetch(`${internalUrl}/oauth.token.v1.TokenService/GetToken`, {
    method: "POST",
    headers: { "content-type": "application/json", traceparent: traceparent(connect), "x-request-id": "by-connect" },
    body: '{"platform":"slack"}',
  });
  await fetch(`${internalUrl}/oauth/token/slack`, {
    headers: { traceparent: traceparent(rest), "x-request-id": "by-rest" },
  });
  const calls = linesOf("rpc");
  const traceOf = (requestId: string) =>
    calls.filter((line) => line.requestId === requestId).map((line) => line.traceId);
  expect(traceOf("by-grpc")).toEqual([grpc]);
  expect(traceOf("by-connect")).toEqual([connect]);
  expect(traceOf("by-rest")).toEqual([rest]);
});

test("a line about what a call set off has the call's ids", async () => {
  const { service, caller } = shared;
  await service.connect("slack");
  service.clock.advance(12 * 3_600_000 + 1_000);
  const traceId = newTraceId();
  const metadata = { traceparent: traceparent(traceId), "x-request-id": "sets-off" };
  const { installation_id } = await caller.token({ platform: "slack" }, { metadata });
  expect(linesOf("token.minted").at(-1)).toMatchObject({ requestId: "sets-off", traceId });
  await caller.revoke(installation_id);
  const revoked = linesOf("installation.revoked").at(-1);
  expect(revoked?.requestId).toMatch(/^[0-9a-f]{24}$/);
  expect(revoked?.traceId).toBeUndefined();
});

test("a line about an install has the id of its request, and not the trace that a browser claims", async () => {
  const { service } = shared;
  await service.connect("slack");
  const answered = linesOf("http.request").at(-1);
  expect(linesOf("install.finished").at(-1)?.requestId).toBe(answered?.requestId);
  await fetch(`${service.replicas[0]!.publicUrl}/oauth/install/slack`, {
    redirect: "manual",
    headers: { traceparent: traceparent(newTraceId()) },
  });
  const started = linesOf("install.started").at(-1);
  expect(started?.requestId).toBe(linesOf("http.request").at(-1)?.requestId);
  expect(started?.traceId).toBeUndefined();
});

test("what is no traceparent is left out", async () => {
  await shared.caller.refusal(
    { platform: "slack" },
    { metadata: { traceparent: "00-canary-trace", "x-request-id": "no-trace" } },
  );
  const line = linesOf("rpc").find(({ requestId }) => requestId === "no-trace");
  expect(line).toBeDefined();
  expect(line?.traceId).toBeUndefined();
  expect(shared.service.world.lines.join("\n")).not.toContain("canary-trace");
});
