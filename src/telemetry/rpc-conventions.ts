/** The service whose RPCs all doors carry. */
const service = "oauth.token.v1.TokenService";

/** `rpc.system.name`: Connect and JSON are other ways to the same gRPC service. */
export const rpcSystem = "grpc";

/** `rpc.method` of a call; what came to no RPC is none of ours to name. */
export function rpcMethod(method: string): string {
  return /^[A-Z][A-Za-z]+$/.test(method) ? `${service}/${method}` : "_OTHER";
}

/** What the conventions for gRPC servers call an error; the rest are the caller's mistakes. */
const serverErrors = new Set(["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]);

export function isServerError(code: string): boolean {
  return serverErrors.has(code);
}
