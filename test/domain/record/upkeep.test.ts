import { expect, test } from "vitest";
import { createTestWorld } from "../../../rig/world.ts";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { createKeepRecord, type PrunedRecord } from "../../../src/domain/record/upkeep.ts";
import { createClock } from "../../../src/world/clock.ts";

const now = new Date("2026-11-21T17:31:00Z");
const hours = (n: number) => new Date(now.getTime() + n * 3_600_000);

function create(pruned: PrunedRecord, clocks: { steadySince?: Date; database?: Date; machine?: Date } = {}) {
  const asked: Date[] = [];
  const forgotten: Date[] = [];
  const rows: AuditEvent[] = [];
  const clock = { ...createClock(), machineNow: () => clocks.machine ?? now };
  const world = { ...createTestWorld(() => now), clock };
  const { prune } = createKeepRecord({
    record: {
      async prune(before, record) {
        asked.push(before);
        if (pruned.rows > 0) rows.push(...(record?.(pruned.rows) ?? []));
        return pruned;
      },
      witness: async () => undefined,
      watchClock: async () => ({ now: clocks.database ?? now, steadySince: clocks.steadySince ?? hours(-24) }),
    },
    installations: {
      async forgetRevoked(before) {
        forgotten.push(before);
        return pruned.rows;
      },
    },
    world,
    retentionDays: 400,
  });
  return { prune, asked, forgotten, rows, lines: world.lines };
}

test("what is older than the retention goes, by whole days, and its number is on record", async () => {
  const { prune, asked, forgotten, rows } = create({ allowed: true, rows: 12, broken: [] });
  await prune();
  expect(asked).toEqual([new Date("2025-10-17T00:00:00Z")]);
  expect(forgotten).toEqual(asked);
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

test.each([
  ["a machine 420 days ahead", { machine: hours(420 * 24) }],
  ["a database 420 days ahead", { database: hours(420 * 24) }],
])("with %s nothing goes that the other clock does not call old", async (_, clocks) => {
  const { prune, asked } = create({ allowed: true, rows: 0, broken: [] }, clocks);
  await prune();
  expect(asked).toEqual([new Date("2025-10-17T00:00:00Z")]);
});

test("for a day after the clock jumped nothing goes, whatever both clocks say", async () => {
  const { prune, asked, forgotten, lines } = create(
    { allowed: true, rows: 0, broken: [] },
    { steadySince: hours(-23.9) },
  );
  await prune();
  expect([asked, forgotten]).toEqual([[], []]);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ level: "info", event: "audit.pruning_waits" }]);
});
