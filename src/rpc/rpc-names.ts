import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";

export type TokenServiceMethods = (typeof TokenService)["method"];

export type RpcName = keyof TokenServiceMethods;
export type RequestOf<Name extends RpcName> = MessageShape<TokenServiceMethods[Name]["input"]>;
export type ResponseOf<Name extends RpcName> = MessageInitShape<TokenServiceMethods[Name]["output"]>;

/** The two messages of an RPC. */
export interface MessagesOf<Name extends RpcName> {
  readonly input: TokenServiceMethods[Name]["input"];
  readonly output: TokenServiceMethods[Name]["output"];
}

/** Every RPC of the service descriptor, by its local name: `getToken`. */
export const rpcNames: readonly RpcName[] = Object.keys(TokenService.method).filter(isRpcName);

/** The same as the contract writes them: `GetToken`. */
export const methodNames: readonly string[] = TokenService.methods.map(({ name }) => name);

export function isRpcName(name: string): name is RpcName {
  return Object.hasOwn(TokenService.method, name);
}

/** A table with an entry for every RPC. TypeScript has to be told what type the entry of any name has. */
export function ofEveryRpc<Table extends { readonly [Name in RpcName]: unknown }>(
  entry: <Name extends RpcName>(name: Name) => Table[Name],
): Table {
  return Object.fromEntries(rpcNames.map((name) => [name, entry(name)])) as Table;
}
