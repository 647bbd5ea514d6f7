import { expect, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { reportRecord } from "../../src/app/record-report.ts";

async function report(options: Partial<Parameters<typeof reportRecord>[0]>) {
  const { log, lines } = createTestWorld();
  await reportRecord({ embedded: false, findGap: async () => undefined, log, ...options });
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a start on the embedded database says that the record is open to this very process", async () => {
  const [line, ...others] = await report({ embedded: true });
  expect(line).toMatchObject({ level: "warn", event: "audit.not_append_only", gap: "embedded" });
  expect(others).toEqual([]);
});

test.each(["superuser", "owner", "privileges"] as const)("a start as %s says what to change", async (gap) => {
  const [line] = await report({ findGap: async () => gap });
  expect(line).toMatchObject({ level: "warn", event: "audit.not_append_only", gap });
  expect(line?.advice).toMatch(/role/);
});

test("a start as a restricted role says nothing", async () => {
  expect(await report({})).toEqual([]);
});

test("a database that cannot be asked does not keep the service from starting", async () => {
  const [line] = await report({ findGap: () => Promise.reject(new Error("secret-canary")) });
  expect(line).toMatchObject({ level: "warn", event: "audit.not_inspected" });
  expect(JSON.stringify(line)).not.toContain("canary");
});
