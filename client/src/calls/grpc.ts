import { create, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.js";
import { type OwnTls, pem } from "./connect-over-node.ts";
import type { Way } from "./way.ts";

/** Finds a connection whose other end is gone while the first call on it still has time. */
const pingMs = { after: 4_000, patience: 3_000 };
/** A service that is back is found within the second. */
const reconnectMs = { first: 100, most: 3_000 };

/** gRPC by grpc-js. `tls` undefined: plain text. */
export function grpcWay(target: string, tls: OwnTls | undefined, isLoopback: boolean): Way {
  const channel =
    tls === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(pem(tls.ca), pem(tls.key), pem(tls.certificate));
  const client = new Client(target, channel, {
    "grpc.keepalive_time_ms": pingMs.after,
    "grpc.keepalive_timeout_ms": pingMs.patience,
    "grpc.initial_reconnect_backoff_ms": reconnectMs.first,
    "grpc.max_reconnect_backoff_ms": reconnectMs.most,
    // A proxy of the environment does not know this machine's loopback.
    ...(isLoopback ? { "grpc.enable_http_proxy": 0 } : {}),
  });

  return {
    unary(method, signal, timeoutMs, header, message) {
      return new Promise((resolve, reject) => {
        let answered = new Metadata();
        const call = client.makeUnaryRequest(
          pathOf(method),
          (request: MessageShape<typeof method.input>) => Buffer.from(toBinary(method.input, request)),
          (bytes: Buffer) => fromBinary(method.output, bytes),
          create(method.input, message),
          toMetadata(header),
          timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs },
          (error, response) => {
            signal?.removeEventListener("abort", cancel);
            if (error !== null || response === undefined) return reject(toConnectError(error));
            const { parent: service } = method;
            const header = toHeaders(answered);
            resolve({ stream: false, service, method, header, message: response, trailer: new Headers() });
          },
        );
        const cancel = () => call.cancel();
        call.on("metadata", (metadata) => {
          answered = metadata;
        });
        signal?.addEventListener("abort", cancel);
        if (signal?.aborted) cancel();
      });
    },
    async stream(method, signal, _timeoutMs, header, input) {
      const first = await input[Symbol.asyncIterator]().next();
      const call = client.makeServerStreamRequest(
        pathOf(method),
        (request: MessageShape<typeof method.input>) => Buffer.from(toBinary(method.input, request)),
        (bytes: Buffer) => fromBinary(method.output, bytes),
        create(method.input, first.value),
        toMetadata(header),
      );
      const cancel = () => call.cancel();
      // Who reads hears of it as well; who left before would have the process end.
      call.on("error", () => undefined);
      signal?.addEventListener("abort", cancel);
      if (signal?.aborted) cancel();
      async function* messages(): AsyncIterable<MessageShape<typeof method.output>> {
        try {
          yield* call;
        } catch (error) {
          throw toConnectError(error as ServiceError);
        } finally {
          signal?.removeEventListener("abort", cancel);
          cancel();
        }
      }
      const { parent: service } = method;
      const [headers, trailer] = [new Headers(), new Headers()];
      return { stream: true, service, method, header: headers, message: messages(), trailer };
    },
    close: () => client.close(),
  };
}

function pathOf(method: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function toMetadata(header: ConstructorParameters<typeof Headers>[0]): Metadata {
  const metadata = new Metadata();
  new Headers(header).forEach((value, name) => void metadata.set(name, value));
  return metadata;
}

function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value === "string") headers.set(name, value);
  }
  return headers;
}

function toConnectError(error: ServiceError | null): ConnectError {
  if (error === null) return new ConnectError("no answer", Code.Internal);
  const failure = new ConnectError(error.details, error.code as number as Code);
  // What says that it could not be reached is known by its code.
  failure.isWireError = true;
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (bytes instanceof Uint8Array) {
    failure.details = fromBinary(StatusSchema, bytes).details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
  }
  return failure;
}
