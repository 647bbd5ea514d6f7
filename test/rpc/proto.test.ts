import { readdirSync } from "node:fs";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { loadSync } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { ErrorReasonSchema } from "../../gen/oauth/token/v1/error_reason_pb.js";
import { GetTokenResponseSchema, TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { refusals } from "./refusals.ts";

const proto = new URL("../../proto", import.meta.url).pathname;
const files = readdirSync(proto, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".proto"));

describe("the proto files", () => {
  test.each(files)("%s is read by proto-loader with proto as the only include directory", (file) => {
    expect(Object.keys(loadSync(file, { includeDirs: [proto] }))).not.toEqual([]);
  });

  test("mark the token as a secret", () => {
    expect(GetTokenResponseSchema.field.accessToken.proto.options?.debugRedact).toBe(true);
  });

  test("allow no RPC over HTTP GET, which would put requests into URLs", () => {
    const levels = TokenService.methods.map((method) => method.idempotency);
    expect(levels).not.toContain(MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS);
    expect(TokenService.method.getToken.idempotency).toBe(MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN);
  });

  test("name every reason and no other", () => {
    const names = ErrorReasonSchema.values.map(({ name }) => name.replace("ERROR_REASON_", ""));
    expect(names.toSorted()).toEqual(["UNSPECIFIED", ...refusals.map(({ reason }) => reason)].toSorted());
  });
});
