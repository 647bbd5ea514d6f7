import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type ChannelOptions, Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";

/** How a call ended, and after how many milliseconds. */
export type RpcOutcome<Response> =
  | { readonly kind: "answered"; readonly response: Response; readonly ms: number }
  /** The service said no; `reason` is its own word, or the name of the code where it gave none. */
  | { readonly kind: "refused"; readonly reason: string; readonly ms: number }
  /** No answer of the service: it does not listen, or it died over the call. */
  | { readonly kind: "no_connection"; readonly ms: number };

/** A client of the service; never rejects. */
export interface RpcClient {
  call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    deadlineMs: number,
  ): Promise<RpcOutcome<MessageShape<Output>>>;
  close(): void;
}

export function openRpcClient(address: string, channel: ChannelOptions): RpcClient {
  const client = new Client(address, credentials.createInsecure(), channel);
  return {
    call(method, request, deadlineMs) {
      const path = `/${method.parent.typeName}/${method.name}`;
      const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
      const read = (answer: Buffer) => fromBinary(method.output, answer);
      const startedAt = performance.now();
      return new Promise((resolve) => {
        client.makeUnaryRequest(path, asIs, asIs, bytes, { deadline: Date.now() + deadlineMs }, (error, answer) => {
          const ms = performance.now() - startedAt;
          if (error !== null) resolve({ ...refusal(error), ms });
          else resolve({ kind: "answered", response: read(answer ?? Buffer.alloc(0)), ms });
        });
      });
    },
    close: () => client.close(),
  };
}

function refusal(error: ServiceError): { kind: "refused"; reason: string } | { kind: "no_connection" } {
  const reason = reasonOf(error);
  if (reason !== undefined) return { kind: "refused", reason };
  // What has no detail of ours and is one of these comes from the transport.
  if (error.code === status.UNAVAILABLE || error.code === status.CANCELLED) return { kind: "no_connection" };
  return { kind: "refused", reason: status[error.code] ?? String(error.code) };
}

function reasonOf(error: ServiceError): string | undefined {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Uint8Array)) return undefined;
  for (const detail of fromBinary(StatusSchema, bytes).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) return info.reason;
  }
  return undefined;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
