import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import type { RpcName } from "./procedures.ts";

/** Every RPC of the service descriptor, by its local name. */
export const rpcNames: readonly RpcName[] = Object.keys(TokenService.method).filter(isRpcName);

export function isRpcName(name: string): name is RpcName {
  return Object.hasOwn(TokenService.method, name);
}
