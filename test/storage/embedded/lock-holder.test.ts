import { expect, test } from "vitest";
import { formatHolder, parseHolder } from "../../../src/storage/embedded/lock-holder.ts";

const holder = { id: "0123456789abcdef", pid: 42, processStart: "boot/17", lockedAt: new Date("2026-03-04T05:06:07Z") };
const altered = (fields: object) => JSON.stringify({ ...JSON.parse(formatHolder(holder)), ...fields });

test("a holder is read as it was written, and what is added later does no harm", () => {
  expect(parseHolder(formatHolder(holder))).toEqual(holder);
  expect(parseHolder(altered({ host: "later" }))).toEqual(holder);
});

test.each([
  { pid: 0 },
  { pid: -1 },
  { pid: 1.5 },
  { pid: "42" },
  { pid: undefined },
  { process_start: 17 },
  { process_start: undefined },
  { locked_at: "yesterday" },
  { locked_at: 0 },
  { id: "../../elsewhere" },
  { id: undefined },
])("is no holder: %j", (fields) => {
  expect(parseHolder(altered(fields))).toBeUndefined();
});
