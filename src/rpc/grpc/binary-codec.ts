import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Codec } from "../dispatch.ts";
import type { MessagesOf, RpcName } from "../rpc-names.ts";
import { asBuffer } from "./codec.ts";

/** How gRPC carries an RPC's messages. */
export type BinaryCodec<Name extends RpcName> = Codec<Name, Buffer, Buffer>;

export function binaryCodec<Name extends RpcName>(name: Name): BinaryCodec<Name> {
  const { input, output }: MessagesOf<Name> = TokenService.method[name];
  return {
    read: (bytes) => fromBinary(input, bytes),
    write: (response) => asBuffer(toBinary(output, create(output, response))),
  };
}
