import { expect, test } from "vitest";
import { parseTraceparent } from "../../src/domain/model/trace-context.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

test.each([
  ["00", "01", true],
  ["00", "00", false],
  ["00", "03", true],
  ["cc", "01", true],
])("reads version %s with flags %s", (version, flags, sampled) => {
  expect(parseTraceparent(`${version}-${traceId}-${spanId}-${flags}`)).toEqual({ traceId, spanId, sampled });
});

test("a later version may have more fields, this one may not", () => {
  expect(parseTraceparent(`01-${traceId}-${spanId}-01-what-comes`)).toMatchObject({ traceId });
  expect(parseTraceparent(`00-${traceId}-${spanId}-01-what-comes`)).toBeUndefined();
  expect(parseTraceparent(`01-${traceId}-${spanId}-01x`)).toBeUndefined();
});

test.each([
  undefined,
  "",
  `ff-${traceId}-${spanId}-01`,
  `00-${"0".repeat(32)}-${spanId}-01`,
  `00-${traceId}-${"0".repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `00-${traceId}-${spanId}`,
  `00-${traceId}-${spanId}-0`,
  ` 00-${traceId}-${spanId}-01`,
  `00-${traceId}-${spanId}-01\n`,
])("takes %j for none", (header) => {
  expect(parseTraceparent(header)).toBeUndefined();
});
