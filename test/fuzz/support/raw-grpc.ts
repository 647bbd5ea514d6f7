import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.js";

export interface GrpcReply {
  /** Undefined: there was none, since the stream was reset or this was no gRPC answer. */
  readonly grpcStatus: number | undefined;
  readonly message: string;
  /** 0: no answer. */
  readonly httpStatus: number;
  /** Of `grpc-status-details-bin`. */
  readonly errorInfos: readonly { readonly reason: string; readonly domain: string }[];
  /** Headers and trailers, one a line; details are decoded. */
  readonly head: string;
  /** What was sent as data. */
  readonly text: string;
}

/** A message behind its length (gRPC over HTTP/2, Length-Prefixed-Message). */
export function grpcFrame(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, message]);
}

export async function openSession(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  await once(session, "connect");
  return session;
}

/** One call with these bytes as its body. Resolves when its stream is closed; one that `stays` when it has begun. */
export function sendGrpc(
  session: ClientHttp2Session,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
  { stays = false } = {},
): Promise<GrpcReply> {
  return new Promise((resolve) => {
    const seen: Record<string, unknown> = {};
    const parts: Buffer[] = [];
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("response", (answer) => {
      Object.assign(seen, answer);
      // What stays open has nothing more to tell.
      if (stays) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on("trailers", (trailers) => Object.assign(seen, trailers));
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", () => undefined);
    stream.on("close", () => resolve(readReply(seen, Buffer.concat(parts))));
    stream.end(body);
  });
}

function readReply(seen: Readonly<Record<string, unknown>>, data: Buffer): GrpcReply {
  const status = seen["grpc-status"];
  const packed = seen["grpc-status-details-bin"];
  const details = typeof packed === "string" ? fromBinary(StatusSchema, Buffer.from(packed, "base64")).details : [];
  const errorInfos = details.flatMap((detail) => anyUnpack(detail, ErrorInfoSchema) ?? []);
  const lines = Object.entries(seen).map(([name, value]) => `${name}: ${value}`);
  return {
    grpcStatus: status === undefined ? undefined : Number(status),
    message: decoded(String(seen["grpc-message"] ?? "")),
    httpStatus: Number(seen[":status"] ?? 0),
    errorInfos,
    head: [...lines, ...details.map(({ value }) => Buffer.from(value).toString())].join("\n"),
    text: data.toString(),
  };
}

/** Percent-encoded, but for the path of an unknown method, which grpc-js repeats as it was sent. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
