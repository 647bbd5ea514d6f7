import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GetTokenRequestSchema } from "../../gen/oauth/token/v1/token_service_pb.js";
import { rememberingRecent } from "../../src/rpc/grpc/recent-requests.ts";

const read = (bytes: Buffer) => fromBinary(GetTokenRequestSchema, bytes);
const write = (request: Parameters<typeof create<typeof GetTokenRequestSchema>>[1]) =>
  Buffer.from(toBinary(GetTokenRequestSchema, create(GetTokenRequestSchema, request)));

test("reads the same bytes once, from whichever buffer they come", () => {
  let reads = 0;
  const remembering = rememberingRecent((bytes) => {
    reads++;
    return read(bytes);
  });
  const bytes = write({ platform: "slack", owner: "acme" });
  const first = remembering(bytes);
  expect(remembering(Buffer.from(bytes))).toBe(first);
  expect(reads).toBe(1);
});

test("reads whatever bytes exactly as without memory, in any order", () => {
  const remembering = rememberingRecent(read);
  const requests = fc.record({
    platform: fc.constantFrom("", "jira", "slack"),
    owner: fc.string({ unit: "binary", maxLength: 300 }),
    actor: fc.constantFrom(0, 1, 2),
  });
  fc.assert(
    fc.property(fc.array(requests, { maxLength: 20 }), (batch) => {
      for (const request of [...batch, ...batch]) {
        const bytes = write(request);
        expect(remembering(bytes)).toEqual(read(bytes));
      }
    }),
  );
});

test("a malformed request is refused every time", () => {
  const remembering = rememberingRecent(read);
  for (let i = 0; i < 2; i++) expect(() => remembering(Buffer.from([0x0a, 0xff]))).toThrow();
});
