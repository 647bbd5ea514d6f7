import {
  ATTR_ERROR_TYPE,
  ATTR_RPC_METHOD,
  ATTR_RPC_STATUS_CODE,
  ATTR_RPC_SYSTEM_NAME,
  RPC_SYSTEM_NAME_VALUE_GRPC,
} from "@opentelemetry/semantic-conventions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { type Caller, createCaller } from "../end-to-end/support/caller.ts";
import { notePlatformSecrets } from "../end-to-end/support/platform-secrets.ts";
import { startService, type TestService } from "../support/service.ts";
import { type CollectedSpan, type Collector, startCollector } from "./collector.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const unsampledId = "1af7651916cd43dd8448eb211c80319c";
const secrets = notePlatformSecrets();
let collector: Collector;
let service: TestService;
let caller: Caller;
let tokenIds: string[];

/** One run for all tests: spans are sent in batches, the last ones when the service closes. */
beforeAll(async () => {
  collector = await startCollector();
  service = await startService({
    fetch: secrets.fetch,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/` },
  });
  caller = createCaller(service.replicas[0]!);
  const call = (request: Record<string, unknown>, metadata: Record<string, string> = {}) =>
    caller.getToken(request, { metadata });
  await service.connect("slack", { query: "?owner=canary-owner" });
  service.clock.advance(12 * 3_600_000 + 1_000);
  const minted = await call({ platform: "slack" }, { traceparent: `00-${traceId}-${spanId}-01`, "x-request-id": "r1" });
  const warm = await call({ platform: "slack" }, { "x-request-id": "r2" });
  await call({ platform: "jira" }, { "x-request-id": "r3" });
  await call({ platform: "slack" }, { traceparent: `00-${unsampledId}-${spanId}-00`, "x-request-id": "r4" });
  tokenIds = [minted.token?.token_id ?? "", warm.token?.token_id ?? ""];
  caller.close();
  await service.close();
}, 60_000);
afterAll(() => collector.close());

const attribute = (span: CollectedSpan, key: string) =>
  Object.values(span.attributes.find((each) => each.key === key)?.value ?? {})[0];
const callOf = (requestId: string) => collector.spans.find((span) => attribute(span, "request.id") === requestId);
const childrenOf = (parent: CollectedSpan | undefined) =>
  collector.spans.filter((span) => parent !== undefined && span.parentSpanId === parent.spanId);
const child = (parent: CollectedSpan | undefined, name: string) => {
  const [found, ...more] = childrenOf(parent).filter((span) => span.name === name);
  expect(found, `${name} below ${parent?.name}`).toBeDefined();
  expect(more).toEqual([]);
  return found;
};

test("a call that refreshes is call → select, refresh → lease, platform call, commit below the caller's span", () => {
  const call = callOf("r1");
  const name = `${TokenService.typeName}/GetToken`;
  expect(call).toMatchObject({ name, traceId, parentSpanId: spanId, kind: 2 });
  const conventional = [ATTR_RPC_SYSTEM_NAME, ATTR_RPC_METHOD, ATTR_RPC_STATUS_CODE, ATTR_ERROR_TYPE];
  expect(conventional.map((key) => attribute(call!, key))).toEqual([RPC_SYSTEM_NAME_VALUE_GRPC, name, "OK", undefined]);
  child(call, "select");
  const refresh = child(call, "refresh");
  expect(attribute(refresh!, "outcome")).toBe("current");
  expect(attribute(child(refresh, "lease")!, "outcome")).toBe("taken");
  const mint = child(refresh, "platform mint")!;
  expect([attribute(mint, "platform"), attribute(mint, "outcome")]).toEqual(["slack", "minted"]);
  expect(attribute(child(refresh, "commit")!, "outcome")).toBe("stored");
  child(call, "audit");
  for (const span of childrenOf(call)) expect(span.traceId).toBe(traceId);
});

test("a warm call is a root of its own with a select below it and nothing else", () => {
  const call = callOf("r2");
  expect(call?.parentSpanId).toBeUndefined();
  expect(childrenOf(call).map(({ name }) => name)).toEqual(["select"]);
});

test("a refusal names its reason and is not an error of the server", () => {
  const call = callOf("r3")!;
  expect([attribute(call, ATTR_RPC_STATUS_CODE), attribute(call, "reason")]).toEqual([
    "NOT_FOUND",
    "INSTALLATION_NOT_FOUND",
  ]);
  expect(call.status?.code ?? 0).toBe(0);
});

test("a trace that its caller does not record is not recorded, and logged all the same", () => {
  expect(collector.spans.filter((span) => span.traceId === unsampledId)).toEqual([]);
  expect(service.world.lines.filter((line) => line.includes(unsampledId))).not.toEqual([]);
});

test("a call without a traceparent is logged with the trace that was begun for it", () => {
  const call = callOf("r2");
  const line = service.world.lines.find((each) => each.includes('"r2"') && each.includes('"rpc"'));
  expect(line).toContain(`"traceId":"${call?.traceId}"`);
});

test("a browser flow is a span with the platform's part in it", () => {
  const installs = collector.spans.filter(({ name }) => name === "install");
  expect(installs.map((span) => attribute(span, "outcome"))).toEqual(["connected"]);
  expect(attribute(child(installs[0], "platform exchange")!, "outcome")).toBe("connected");
});

test("no token, owner or address is in what is exported", () => {
  const text = collector.text();
  expect(secrets.all.length).toBeGreaterThan(0);
  for (const secret of [...secrets.all, ...tokenIds, "canary-owner", "127.0.0.1"]) expect(text).not.toContain(secret);
  expect(text).toContain('"oauth-token-service"');
});
