import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Server } from "@grpc/grpc-js";

type HandleCall<Request, Response> = Parameters<typeof Server.prototype.register<Request, Response>>[1];

const handlerTypes: Record<DescMethod["methodKind"], string> = {
  unary: "unary",
  client_streaming: "clientStream",
  server_streaming: "serverStream",
  bidi_streaming: "bidi",
};

/** Serves one method, its messages read and written by protobuf-es. `path` where the method goes by another name too. */
export function addMethod<Input extends DescMessage, Output extends DescMessage>(
  server: Server,
  method: DescMethod & { readonly input: Input; readonly output: Output },
  handler: HandleCall<MessageShape<Input>, MessageShape<Output>>,
  path = methodPath(method),
): void {
  server.register<MessageShape<Input>, MessageShape<Output>>(
    path,
    handler,
    (message) => asBuffer(toBinary(method.output, message)),
    (bytes) => fromBinary(method.input, bytes),
    handlerTypes[method.methodKind],
  );
}

/** The HTTP/2 path of a method. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The same bytes as a Buffer, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
