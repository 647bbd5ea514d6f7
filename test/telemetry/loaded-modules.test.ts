import { randomBytes } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { startChildService } from "../../rig/child-service.ts";
import { createTestDatabase } from "../support/database.ts";
import { startCollector } from "./collector.ts";

const database = await createTestDatabase();
const collector = await startCollector();
afterAll(async () => {
  await collector.close();
  await database.drop();
});

/** Writes the address of everything that is loaded, by import or require, to standard error. */
const watch = `import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { process.stderr.write("loaded " + url + "\\n"); return next(url, context); } });`;
const options = `--import "data:text/javascript,${encodeURIComponent(watch)}"`;

async function modulesLoaded(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const service = await startChildService({
    DATABASE_URL: database.url,
    TOKEN_ENCRYPTION_KEY: randomBytes(32).toString("base64url"),
    NODE_OPTIONS: options,
    ...env,
  });
  expect((await fetch(`${service.internalUrl}/metrics`)).status).toBe(200);
  await service.kill("SIGTERM");
  return service
    .output()
    .split("\n")
    .filter((line) => line.startsWith("loaded "));
}

test("nothing of OpenTelemetry is loaded while spans go nowhere", async () => {
  const loaded = await modulesLoaded({});
  expect(loaded.filter((line) => line.includes("prom-client"))).not.toEqual([]);
  expect(loaded.filter((line) => line.includes("opentelemetry"))).toEqual([]);
});

test("it is loaded when they go somewhere", async () => {
  const loaded = await modulesLoaded({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  expect(loaded.filter((line) => line.includes("@opentelemetry/sdk-trace"))).not.toEqual([]);
});
