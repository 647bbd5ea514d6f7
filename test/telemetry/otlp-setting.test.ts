import { expect, test } from "vitest";
import { errorOf, load } from "../config/load.ts";

test("spans go nowhere unless OTEL_EXPORTER_OTLP_ENDPOINT says where", () => {
  expect(load({}).otlpEndpoint).toBeUndefined();
});

test.each([
  ["http://localhost:4318", "http://localhost:4318"],
  ["http://collector.monitoring.svc:4318/", "http://collector.monitoring.svc:4318"],
  ["https://otlp.example/base/", "https://otlp.example/base"],
])("takes %s", (given, read) => {
  expect(load({ OTEL_EXPORTER_OTLP_ENDPOINT: given }).otlpEndpoint).toBe(read);
});

test.each([
  "localhost:4318",
  "grpc://localhost:4317",
  "https://user:secret-word@otlp.example",
  "http://x/?key=secret-word",
])("refuses %s without repeating it", (given) => {
  const message = errorOf({ OTEL_EXPORTER_OTLP_ENDPOINT: given });
  expect(message).toMatch(/OTEL_EXPORTER_OTLP_ENDPOINT: .+; set .+/);
  expect(message).not.toContain("secret-word");
});
