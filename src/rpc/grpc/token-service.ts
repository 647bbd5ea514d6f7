import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  Metadata,
  type Server,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.js";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { ServiceError } from "../../errors.ts";
import type { Codec, Dispatch } from "../dispatch.ts";
import { toStatus } from "../errors/details.ts";
import { type Failure, toFailure } from "../errors/failure.ts";
import type { IncomingCall, ReceiveCall } from "../incoming-calls.ts";
import type { RpcName } from "../procedures.ts";
import { rpcNames } from "../rpc-names.ts";
import { asBuffer, methodPath } from "./codec.ts";
import { encodeGetTokenResponse } from "./encode-get-token-response.ts";
import { rememberingRecent } from "./recent-requests.ts";

/** Serves the RPCs on a gRPC server. Returns how to refuse, with SERVICE_UNAVAILABLE, every call not yet answered. */
export function addTokenService(server: Server, dispatch: Dispatch, receive: ReceiveCall): () => void {
  const unanswered = new Set<Respond>();
  for (const name of rpcNames) {
    const handler = createHandler(name, dispatch, receive, unanswered);
    // Read and written by the handler, so that what is malformed is refused like everything else.
    server.register(methodPath(TokenService.method[name]), handler, asIs, asIs, "unary");
  }

  return () => {
    const failure = toFailure(new ServiceError("SERVICE_UNAVAILABLE", "this replica is shutting down"));
    for (const respond of unanswered) respond(toServerError(failure));
    unanswered.clear();
  };
}

type Respond = sendUnaryData<Buffer>;

type BinaryCodec<Name extends RpcName> = Codec<Name, Buffer, Buffer>;

const getToken = binaryCodec(TokenService.method.getToken);

const codecs: { readonly [Name in RpcName]: BinaryCodec<Name> } = {
  getToken: { read: rememberingRecent(getToken.read), write: encodeGetTokenResponse },
  listInstallations: binaryCodec(TokenService.method.listInstallations),
  getInstallation: binaryCodec(TokenService.method.getInstallation),
  revokeInstallation: binaryCodec(TokenService.method.revokeInstallation),
};

function createHandler<Name extends RpcName>(
  name: Name,
  dispatch: Dispatch,
  receive: ReceiveCall,
  unanswered: Set<Respond>,
): handleUnaryCall<Buffer, Buffer> {
  const method: DescMethod = TokenService.method[name];
  const codec: BinaryCodec<Name> = codecs[name];

  return async (call, respond) => {
    unanswered.add(respond);
    const outcome = await dispatch(name, codec, call.request, receive(toIncomingCall(method.name, call)));
    if (!unanswered.delete(respond)) return;
    if (outcome.kind === "answered") respond(null, outcome.response);
    else respond(toServerError(outcome.failure));
  };
}

function binaryCodec<Method extends DescMethod>(method: Method) {
  return {
    read: (bytes: Buffer): MessageShape<Method["input"]> => fromBinary<Method["input"]>(method.input, bytes),
    write: (response: MessageInitShape<Method["output"]>): Buffer =>
      asBuffer(toBinary<Method["output"]>(method.output, create<Method["output"]>(method.output, response))),
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function toIncomingCall(method: string, call: ServerUnaryCall<Buffer, Buffer>): IncomingCall {
  const peer = call.getPeer();
  const deadlineMs = Number(call.getDeadline());
  const requestId = call.metadata.get("x-request-id")[0];
  const traceparent = call.metadata.get("traceparent")[0];
  return {
    method,
    address: peer.includes(":") ? peer.slice(0, peer.lastIndexOf(":")) : undefined,
    requestId: typeof requestId === "string" ? requestId : undefined,
    traceparent: typeof traceparent === "string" ? traceparent : undefined,
    // grpc-js gives deadlines on the machine's clock.
    timeoutMs: Number.isFinite(deadlineMs) ? deadlineMs - Date.now() : undefined,
  };
}

function toServerError(failure: Failure): Partial<ServerErrorResponse> {
  const metadata = new Metadata();
  const status = toStatus(failure);
  if (status.details.length > 0) metadata.set("grpc-status-details-bin", asBuffer(toBinary(StatusSchema, status)));
  return { code: Number(failure.code), details: failure.message, metadata };
}
