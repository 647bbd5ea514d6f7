import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";

export type TokenServiceMethods = (typeof TokenService)["method"];

export type RpcName = keyof TokenServiceMethods;
export type RequestOf<Name extends RpcName> = MessageShape<TokenServiceMethods[Name]["input"]>;
export type ResponseOf<Name extends RpcName> = MessageInitShape<TokenServiceMethods[Name]["output"]>;

/** Every RPC of the service descriptor, by its local name. */
export const rpcNames: readonly RpcName[] = Object.keys(TokenService.method).filter(isRpcName);

export function isRpcName(name: string): name is RpcName {
  return Object.hasOwn(TokenService.method, name);
}
