import type { MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";

export type TokenServiceMethods = (typeof TokenService)["method"];

export type RpcName = keyof TokenServiceMethods;
/** The RPCs that answer with a stream. */
export type StreamName = {
  [Name in RpcName]: TokenServiceMethods[Name]["methodKind"] extends "server_streaming" ? Name : never;
}[RpcName];
/** The RPCs that answer once. */
export type UnaryName = Exclude<RpcName, StreamName>;
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

export function isStreamName(name: RpcName): name is StreamName {
  return TokenService.method[name].methodKind === "server_streaming";
}

export function isUnaryName(name: RpcName): name is UnaryName {
  return !isStreamName(name);
}

/** A table with an entry for every RPC. TypeScript has to be told what type the entry of any name has. */
export function ofEveryRpc<Table extends { readonly [Name in RpcName]: unknown }>(
  entry: <Name extends RpcName>(name: Name) => Table[Name],
): Table {
  return Object.fromEntries(rpcNames.map((name) => [name, entry(name)])) as Table;
}

/** The same of those that answer once. */
export function ofEveryUnary<Table extends { readonly [Name in UnaryName]: unknown }>(
  entry: <Name extends UnaryName>(name: Name) => Table[Name],
): Table {
  return Object.fromEntries(rpcNames.filter(isUnaryName).map((name) => [name, entry(name)])) as Table;
}
