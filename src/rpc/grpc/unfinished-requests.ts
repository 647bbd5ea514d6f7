import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Server } from "@grpc/grpc-js";
import { methodPath } from "./codec.ts";

/** How long a peer may take, in milliseconds. */
export interface Patience {
  /** From the connection to its first settings, and from the head of a request to its end. */
  readonly requestMs: number;
  /** The same for a request that is a stream. */
  readonly questionsMs: number;
  /** From the head of a request to the end of an answer that is no stream: for who reads nothing. */
  readonly callMs: number;
}

export const defaultPatience: Patience = { requestMs: 5_000, questionsMs: 30_000, callMs: 70_000 };

/** Ends what never becomes a request, and what is never read. `methods`: all that the server has. */
export function endUnfinishedRequests(
  server: Server,
  methods: readonly DescMethod[],
  { requestMs, questionsMs, callMs }: Patience,
): { close(): void } {
  const kinds = new Map(methods.map((method) => [methodPath(method), method.methodKind]));
  const calls = new Map<ServerHttp2Stream, number>();
  const streams = new Map<ServerHttp2Stream, { readonly sinceMs: number; readonly limitMs: number }>();
  const sessions = new Map<Http2Session, number>();

  function forgetStream(this: ServerHttp2Stream): void {
    if (!calls.delete(this)) streams.delete(this);
  }

  for (const listening of serversOf(server)) {
    listening.on("session", (session) => {
      sessions.set(session, performance.now());
      const forget = () => void sessions.delete(session);
      session.once("remoteSettings", forget);
      session.once("close", forget);
    });
    listening.on("stream", (stream, headers) => {
      const kind = kinds.get(headers[":path"] ?? "") ?? "unary";
      const sinceMs = performance.now();
      if (kind === "unary") calls.set(stream, sinceMs);
      else streams.set(stream, { sinceMs, limitMs: kind === "server_streaming" ? requestMs : questionsMs });
      stream.on("close", forgetStream);
    });
  }

  function sweep(): void {
    const nowMs = performance.now();
    for (const [session, sinceMs] of sessions) if (nowMs - sinceMs > requestMs) session.destroy();
    // The oldest first.
    for (const [stream, sinceMs] of calls) {
      if (nowMs - sinceMs <= requestMs) break;
      if (!isWhole(stream) || nowMs - sinceMs > callMs) stream.close(constants.NGHTTP2_CANCEL);
    }
    for (const [stream, { sinceMs, limitMs }] of streams) {
      if (nowMs - sinceMs > limitMs && !isWhole(stream)) stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  const timer = setInterval(sweep, Math.min(1_000, requestMs));
  return { close: () => clearInterval(timer) };
}

function isWhole(stream: ServerHttp2Stream): boolean {
  return stream.state.remoteClose === 1;
}

/** @throws Error if they are not where this version of grpc-js has them. */
function serversOf(server: Server): readonly Http2Server[] {
  const servers: unknown = Reflect.get(server, "http2Servers");
  if (!(servers instanceof Map) || servers.size === 0) {
    throw new Error("grpc-js does not have its HTTP/2 servers where they are looked for");
  }
  return [...servers.keys()];
}
