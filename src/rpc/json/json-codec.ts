import { create, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Codec } from "../dispatch.ts";
import type { MessagesOf, RpcName } from "../rpc-names.ts";
import { toJsonObject } from "./to-json-object.ts";

/** Carries the messages of an RPC as proto JSON; a field nobody knows is refused. */
export type JsonCodec<Name extends RpcName> = Codec<Name, JsonObject, JsonObject>;

export function jsonCodec<Name extends RpcName>(name: Name): JsonCodec<Name> {
  const { input, output }: MessagesOf<Name> = TokenService.method[name];
  return {
    read: (request) => fromJson(input, request),
    write: (response) => toJsonObject(output, create(output, response)),
  };
}
