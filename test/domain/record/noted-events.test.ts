import { expect, test } from "vitest";
import type { AuditEvent } from "../../../src/domain/model/audit-event.ts";
import { fairShare } from "../../../src/domain/record/fair-share.ts";
import { createNotedEvents } from "../../../src/domain/record/noted-events.ts";
import { ServiceError } from "../../../src/errors.ts";

const refused = (changes: Partial<AuditEvent> = {}): AuditEvent => ({
  ...{ kind: "call.refused", at: new Date(1), caller: "unknown", method: "GetToken", address: "10.0.0.1" },
  ...{ detail: "CALLER_UNAUTHENTICATED", requestId: "first", count: 1 },
  ...changes,
});

function create() {
  const rows: AuditEvent[] = [];
  const database = { away: false };
  const buffer = createNotedEvents({
    audit: {
      async append(events) {
        if (database.away) throw new ServiceError("SERVICE_UNAVAILABLE", "away");
        rows.push(...events);
      },
    },
  });
  return { ...buffer, rows, database };
}

test("equal events of one flush are one row that counts them; it keeps the first one's time and request", async () => {
  const { note, flush, rows } = create();
  note(refused());
  note(refused({ requestId: "second", at: new Date(2) }));
  note(refused({ count: 3 }));
  await flush();
  expect(rows).toEqual([refused({ count: 5 })]);
  note(refused());
  await flush();
  expect(rows).toHaveLength(2);
});

test.each([
  { kind: "policy.refused" },
  { caller: "ci" },
  { method: "GetInstallation" },
  { address: "10.0.0.2" },
  { detail: "CALLER_NOT_ALLOWED" },
  { installationId: crypto.randomUUID() },
  { owner: "acme" },
  { platform: "slack" },
  { tokenFingerprint: "ab" },
  { policyHash: "cd" },
] as const)("what differs in %o is a row of its own", async (change) => {
  const { note, flush, rows } = create();
  note(refused());
  note(refused(change));
  await flush();
  expect(rows).toEqual([refused(), refused(change)]);
});

test("a flood of refused calls gives a bounded number of rows, and every call is counted", async () => {
  const { note, flush, rows } = create();
  for (let n = 0; n < 100_000; n++) note(refused({ address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }));
  note(refused({ kind: "grant.rejected", address: undefined }));
  await flush();
  expect(rows).toHaveLength(202);
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(100_001);
  expect(rows).toContainEqual(
    expect.objectContaining({ kind: "call.refused", caller: "unknown", detail: "not_listed", count: 99_800 }),
  );
  expect(rows).toContainEqual(expect.objectContaining({ kind: "grant.rejected", count: 1 }));
});

test("a flood of one caller or network hides nobody else's refused calls, and each surplus is counted for its caller", async () => {
  const { note, flush, rows } = create();
  for (let n = 0; n < 10_000; n++) note(refused({ caller: "loop", address: `10.${n >> 8}.7.${n & 255}` }));
  for (let n = 0; n < 10_000; n++) note(refused({ address: `2001:db8::${n.toString(16)}` }));
  note(refused({ caller: "ci", address: "10.0.0.2" }));
  note(refused({ address: "203.0.113.9" }));
  note(refused({ caller: "loop", address: "10.0.7.0", detail: "CALLER_NOT_ALLOWED" }));
  await flush();
  const listed = (changes: Partial<AuditEvent>) =>
    rows.filter((row) => expect.objectContaining(changes).asymmetricMatch(row));
  expect(listed({ caller: "ci", address: "10.0.0.2" })).toHaveLength(1);
  expect(listed({ address: "203.0.113.9" })).toHaveLength(1);
  for (const caller of ["loop", "unknown"]) expect(listed({ caller, detail: "not_listed" })).toHaveLength(1);
  expect(rows.length).toBeLessThanOrEqual(202);
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(20_003);
});

test("a flood from some networks without a proof hides nobody in another one", async () => {
  const { note, flush, rows } = create();
  for (let network = 0; network < 6; network++)
    for (let n = 0; n < 100; n++) note(refused({ address: `2001:db8:0:${network}::${n.toString(16)}` }));
  note(refused({ address: "203.0.113.9" }));
  await flush();
  expect(rows).toContainEqual(refused({ address: "203.0.113.9" }));
  expect(rows).toHaveLength(201);
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(601);
});

test("a share is equal, and what a small group leaves goes to the larger ones", () => {
  const items = [..."aaaaaaaa", ..."bbbb", "c"].map((group, index) => ({ group, index }));
  const chosen = (limit: number) => [...fairShare(items, limit, [({ group }) => group])].map(({ group }) => group);
  expect(chosen(13)).toHaveLength(13);
  expect(chosen(9).join("")).toBe("cbbbbaaaa");
  expect(chosen(7).join("")).toBe("cbbbaaa");
  expect(chosen(2).join("")).toBe("cb");
  expect(chosen(0)).toEqual([]);
});

test("what cannot be written is kept for the next flush, together with what came meanwhile, and still bounded", async () => {
  const { note, flush, rows, database } = create();
  database.away = true;
  for (let second = 0; second < 20; second++) {
    note(refused());
    for (let n = 0; n < 50; n++) note(refused({ address: `10.1.${second}.${n}` }));
    await expect(flush()).rejects.toThrow("away");
  }
  database.away = false;
  await flush();
  expect(rows[0]).toEqual(refused({ count: 20 }));
  expect(rows).toHaveLength(201);
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(20 * 51);
  await flush();
  expect(rows).toHaveLength(201);
});

test("a count never outgrows its column", async () => {
  const { note, flush, rows } = create();
  note(refused({ count: 2_147_483_000 }));
  note(refused({ count: 2_147_483_000 }));
  await flush();
  expect(rows).toEqual([refused({ count: 2_147_483_647 })]);
});
