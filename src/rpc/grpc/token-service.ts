import type { handleUnaryCall, Server, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { ServiceError } from "../../errors.ts";
import type { Redact } from "../../secret-shapes.ts";
import { perObject } from "../../work/per-object.ts";
import { Roster } from "../../work/roster.ts";
import type { Dispatch, Outcome } from "../dispatch.ts";
import { toFailure } from "../errors/failure.ts";
import type { IncomingCall } from "../incoming-calls.ts";
import { isStreamName, isUnaryName, rpcNames, type UnaryName } from "../rpc-names.ts";
import type { DispatchStream } from "../streams/dispatch-stream.ts";
import { type BinaryCodec, binaryCodec } from "./binary-codec.ts";
import { methodPath } from "./codec.ts";
import { encodeGetTokenResponse } from "./encode-get-token-response.ts";
import { createPeerNames, type PeerNamesOf } from "./peer-names.ts";
import { rememberingRecent } from "./recent-requests.ts";
import { toServerError } from "./server-error.ts";
import { createStreamHandler } from "./stream-handler.ts";

/** What is told to all names nothing that a caller sent. */
const asItIs: Redact = (text) => text;

/** How calls are run. */
export interface Dispatches {
  readonly unary: Dispatch;
  readonly stream: DispatchStream;
}

/** Serves the RPCs on a gRPC server. Returns how to refuse, with SERVICE_UNAVAILABLE, every call not yet answered. */
export function addGrpcService(
  server: Server,
  dispatch: Dispatches,
  addressOf: AddressOf = (peer) => peer,
): () => void {
  const unanswered = new Roster<Respond>();
  const peers = { peerNamesOf: createPeerNames(), addressOf };
  for (const name of rpcNames) {
    const path = methodPath(TokenService.method[name]);
    // Read and written by the handlers, so that what is malformed is refused like everything else.
    if (isStreamName(name)) {
      const incomingOf = (call: CallSurface) => new GrpcCall(call, peers);
      const handler = createStreamHandler(name, binaryCodec(name), dispatch.stream, incomingOf);
      server.register(path, handler, asIs, asIs, "serverStream");
    } else if (isUnaryName(name)) {
      server.register(path, createHandler(name, dispatch.unary, peers, unanswered), asIs, asIs, "unary");
    }
  }

  return () => {
    const failure = toFailure(new ServiceError("SERVICE_UNAVAILABLE", "this replica is shutting down"), asItIs);
    for (const respond of unanswered.empty()) respond(toServerError(failure));
  };
}

/** The address of who calls, of that of the connection and the `x-forwarded-for` of the call. */
export type AddressOf = (peer: string | undefined, forwardedFor: () => string) => string | undefined;

interface Peers {
  readonly peerNamesOf: PeerNamesOf;
  readonly addressOf: AddressOf;
}

type Respond = sendUnaryData<Buffer>;

/** Of what is called for every token. */
const warmCodecs: { readonly [Name in UnaryName]?: BinaryCodec<Name> } = {
  getToken: { read: rememberingRecent(binaryCodec("getToken").read), write: perObject(encodeGetTokenResponse) },
};

function createHandler<Name extends UnaryName>(
  name: Name,
  dispatch: Dispatch,
  peers: Peers,
  unanswered: Roster<Respond>,
): handleUnaryCall<Buffer, Buffer> {
  const codec: BinaryCodec<Name> = warmCodecs[name] ?? binaryCodec(name);

  return (call, respond) => {
    const outcome = dispatch(name, codec, call.request, new GrpcCall(call, peers));
    if (outcome instanceof Promise) {
      const take = unanswered.add(respond);
      void outcome.then((settled) => {
        const still = take();
        if (still !== undefined) answer(still, settled);
      });
    } else {
      answer(respond, outcome);
    }
  };
}

function answer(respond: Respond, outcome: Outcome<Buffer>): void {
  if (outcome.kind === "answered") respond(null, outcome.response);
  else respond(toServerError(outcome.failure));
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

type CallSurface = Pick<ServerUnaryCall<Buffer, Buffer>, "getPeer" | "getDeadline" | "metadata">;

/** Read from the transport as it is asked for; the peer at once, since a connection that is cut has none. */
class GrpcCall implements IncomingCall {
  readonly #peer: string;
  readonly #call: CallSurface;
  readonly #peers: Peers;

  constructor(call: CallSurface, peers: Peers) {
    this.#peers = peers;
    this.#call = call;
    this.#peer = call.getPeer();
  }

  get address(): string | undefined {
    const end = this.#peer.lastIndexOf(":");
    const peer = end === -1 ? undefined : this.#peer.slice(0, end);
    return this.#peers.addressOf(peer, () => this.#call.metadata.get("x-forwarded-for").join(","));
  }

  get requestId(): string | undefined {
    return this.#text("x-request-id");
  }

  get traceparent(): string | undefined {
    return this.#text("traceparent");
  }

  get authorization(): string | undefined {
    return this.#text("authorization");
  }

  get certificateNames(): readonly string[] {
    return this.#peers.peerNamesOf(this.#call);
  }

  get timeoutMs(): number | undefined {
    const deadlineMs = Number(this.#call.getDeadline());
    // grpc-js gives deadlines on the machine's clock.
    return Number.isFinite(deadlineMs) ? deadlineMs - Date.now() : undefined;
  }

  #text(key: string): string | undefined {
    const [value] = this.#call.metadata.get(key);
    return typeof value === "string" ? value : undefined;
  }
}
