import { expect, test } from "vitest";
import type { AuditEvent } from "../../src/domain/audit.ts";
import { createKeepRecord, type PrunedRecord } from "../../src/domain/keep-record.ts";
import { createTestWorld } from "../support/world.ts";

function create(pruned: PrunedRecord, now = new Date("2026-11-21T17:31:00Z")) {
  const asked: Date[] = [];
  const rows: AuditEvent[] = [];
  const world = createTestWorld(() => now);
  const { prune } = createKeepRecord({
    record: {
      async prune(before) {
        asked.push(before);
        return pruned;
      },
      witness: async () => undefined,
    },
    audit: { append: async (events) => void rows.push(...events) },
    world,
    retentionDays: 400,
  });
  return { prune, asked, rows, lines: world.lines };
}

test("what is older than the retention goes, by whole days, and its number is on record", async () => {
  const { prune, asked, rows } = create({ allowed: true, rows: 12, broken: [] });
  await prune();
  expect(asked).toEqual([new Date("2025-10-17T00:00:00Z")]);
  expect(rows).toMatchObject([
    { kind: "audit.pruned", caller: "service", detail: "2025-10-17T00:00:00.000Z", count: 12 },
  ]);
});

test("where nothing is old nothing is on record", async () => {
  const { prune, rows, lines } = create({ allowed: true, rows: 0, broken: [] });
  await prune();
  expect([rows, lines]).toEqual([[], []]);
});

test("what does not verify is an error in the log", async () => {
  const { prune, lines } = create({ allowed: true, rows: 0, broken: ["chain-1"] });
  await prune();
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: "error", event: "audit.broken", chains: ["chain-1"] },
  ]);
});

test("where another role prunes this is no trouble", async () => {
  const { prune, rows, lines } = create({ allowed: false, rows: 0, broken: [] });
  await prune();
  expect(rows).toEqual([]);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: "debug", event: "audit.not_pruned_here" }]);
});
