import type { ServerHttp2Stream } from "node:http2";

/** What stands for the connection of a call, which grpc-js does not show: its socket. Undefined once that is gone. */
export function connectionOf(call: object): object | undefined {
  return at(call, "call", "stream", "session", "socket");
}

/** The HTTP/2 stream of a call, which grpc-js does not show either. */
export function streamOf(call: object): ServerHttp2Stream | undefined {
  return at(call, "call", "stream") as ServerHttp2Stream | undefined;
}

function at(call: object, ...path: readonly string[]): object | undefined {
  return path.reduce<object | undefined>((place, name) => {
    const next: unknown = place === undefined ? undefined : Reflect.get(place, name);
    return typeof next === "object" && next !== null ? next : undefined;
  }, call);
}
