import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import type { Server } from "@grpc/grpc-js";
import { methodPath } from "./codec.ts";
import { keepStreamsIn, StreamTable } from "./stream-table.ts";

/** How long a peer may take, in milliseconds. */
export interface Patience {
  /** From the connection to its first settings, and from the head of a request to its end. */
  readonly requestMs: number;
  /** The same for a request that is a stream. */
  readonly questionsMs: number;
  /** From the head of a request to the end of an answer that is no stream: for who reads nothing. */
  readonly callMs: number;
}

const cancel = constants.NGHTTP2_CANCEL;

export const defaultPatience: Patience = { requestMs: 5_000, questionsMs: 30_000, callMs: 70_000 };

/** Ends what never becomes a request, and what is never read. `methods`: all that the server has. */
export function endUnfinishedRequests(
  server: Server,
  methods: readonly DescMethod[],
  { requestMs, questionsMs, callMs }: Patience,
): { close(): void } {
  const kinds = new Map(methods.map((method) => [methodPath(method), method.methodKind]));
  /** Of requests to methods that are streams: how long they may take to be whole. */
  const limits = new WeakMap<ServerHttp2Stream, number>();
  const tables = new Map<Http2Session, StreamTable>();
  const withoutSettings = new Map<Http2Session, number>();

  function onSession(session: Http2Session): void {
    const table = new StreamTable();
    tables.set(session, table);
    withoutSettings.set(session, performance.now());
    session.once("remoteSettings", () => void withoutSettings.delete(session));
    session.once("close", () => {
      withoutSettings.delete(session);
      tables.delete(session);
    });
    if (!keepStreamsIn(table, session)) session.on("stream", (stream) => keepItself(table, stream));
  }

  for (const listening of serversOf(server)) {
    listening.on("session", onSession);
    listening.on("stream", (stream, headers) => {
      const kind = kinds.get(headers[":path"] ?? "") ?? "unary";
      if (kind !== "unary") limits.set(stream, kind === "server_streaming" ? requestMs : questionsMs);
    });
  }

  function sweep(): void {
    const nowMs = performance.now();
    for (const [session, sinceMs] of withoutSettings) if (nowMs - sinceMs > requestMs) session.destroy();
    for (const table of tables.values()) {
      if (table.size === 0) continue;
      for (const [stream, sinceMs] of table.open()) if (isLate(stream, nowMs - sinceMs)) stream.close(cancel);
    }
  }

  function isLate(stream: ServerHttp2Stream, tookMs: number): boolean {
    if (!isWhole(stream)) return tookMs > (limits.get(stream) ?? requestMs);
    return !limits.has(stream) && tookMs > callMs;
  }

  const timer = setInterval(sweep, Math.min(1_000, requestMs));
  return { close: () => clearInterval(timer) };
}

function keepItself(table: StreamTable, stream: ServerHttp2Stream): void {
  const { id } = stream;
  if (id === undefined) return;
  table.set(id, stream);
  stream.once("close", () => table.delete(id));
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
