import { create, fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GetTokenResponseSchema } from "../../gen/oauth/token/v1/token_service_pb.js";
import { encodeGetTokenResponse } from "../../src/rpc/grpc/encode-get-token-response.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  // Around the sizes where a length takes another byte, and where the buffer has to grow.
  fc.constantFrom(0, 126, 127, 128, 129, 16_383, 16_384, 70_000).map((length) => "é".repeat(length)),
);

const response = fc.record(
  {
    accessToken: text,
    tokenType: text,
    expireTime: fc.record({
      seconds: fc.oneof(fc.constantFrom(0n, 127n, 128n, 4_294_967_296n), fc.bigInt({ min: 0n, max: 253_402_300_799n })),
      nanos: fc.constantFrom(0, 1, 127, 128, 999_999_999),
    }),
    scopes: fc.array(text, { maxLength: 3 }),
    permissions: fc.dictionary(fc.string(), text, { maxKeys: 3 }),
    installationId: text,
    externalOrgId: text,
    tokenId: text,
    apiBaseUrl: text,
  },
  { requiredKeys: [] },
);

describe("the encoder of GetTokenResponse", () => {
  test("writes what any protobuf reader reads back", () => {
    fc.assert(
      fc.property(response, (fields) => {
        const written = encodeGetTokenResponse(fields);
        expect(fromBinary(GetTokenResponseSchema, written)).toEqual(create(GetTokenResponseSchema, fields));
      }),
    );
  });

  test("forgets no field of the message", () => {
    const [sample] = fc.sample(
      response.filter((fields) => Object.keys(fields).length === 9),
      1,
    );
    expect(Object.keys(sample ?? {}).toSorted()).toEqual(Object.keys(GetTokenResponseSchema.field).toSorted());
  });

  test("carries nothing over from a message it could not write", () => {
    const unwritable = { accessToken: "first-token", expireTime: { seconds: -1n } };
    expect(() => encodeGetTokenResponse(unwritable)).toThrow(RangeError);
    expect(fromBinary(GetTokenResponseSchema, encodeGetTokenResponse({ tokenType: "Bearer" }))).toEqual(
      create(GetTokenResponseSchema, { tokenType: "Bearer" }),
    );
  });
});
