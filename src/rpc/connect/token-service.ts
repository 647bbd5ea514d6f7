import {
  type Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Codec, Dispatch } from "../dispatch.ts";
import { toDetails } from "../errors/details.ts";
import type { Failure } from "../errors/failure.ts";
import type { IncomingCall } from "../incoming-calls.ts";
import {
  isStreamName,
  isUnaryName,
  ofEveryRpc,
  type RequestOf,
  type ResponseOf,
  type RpcName,
  type StreamName,
  type UnaryName,
} from "../rpc-names.ts";
import type { DispatchStream } from "../streams/dispatch-stream.ts";

/** What the HTTP side and the RPC side of one call tell each other. */
export interface HttpCall {
  readonly address: string | undefined;
  readonly certificateNames: readonly string[];
  /** Cuts the connection. */
  readonly cut: () => void;
  /** Whether the request could be read. */
  reached: boolean;
}

export const httpCallKey = createContextKey<HttpCall>({
  address: undefined,
  certificateNames: [],
  cut: () => undefined,
  reached: false,
});

type Implementation = { readonly [Name in UnaryName]: Serve<Name> } & { readonly [Name in StreamName]: Stream<Name> };
type Serve<in out Name extends UnaryName> = (
  request: RequestOf<Name>,
  context: HandlerContext,
) => Promise<ResponseOf<Name>>;
type Stream<in out Name extends StreamName> = (
  request: RequestOf<Name>,
  context: HandlerContext,
) => AsyncIterable<ResponseOf<Name>>;

/** Serves the RPCs on a Connect router. */
export function addConnectService(router: ConnectRouter, dispatch: Dispatch, dispatchStream: DispatchStream): void {
  router.service(
    TokenService,
    ofEveryRpc<Implementation>((name) => implement(name) as Implementation[typeof name]),
  );

  function implement(name: RpcName) {
    if (isStreamName(name)) return stream(name) satisfies Stream<typeof name>;
    if (isUnaryName(name)) return serve(name) satisfies Serve<typeof name>;
    throw new Error(`${name} is answered neither once nor with a stream`);
  }

  function serve<Name extends UnaryName>(name: Name): Serve<Name> {
    return async (request, context) => {
      const outcome = await dispatch(name, { read: asIs, write: asIs }, request, incomingOf(context));
      if (outcome.kind === "failed") throw toConnectError(outcome.failure);
      return outcome.response;
    };
  }

  function stream<Name extends StreamName>(name: Name): Stream<Name> {
    return async function* (request, context) {
      const reader = { signal: context.signal, cut: context.values.get(httpCallKey).cut };
      const codec: Codec<Name, RequestOf<Name>, ResponseOf<Name>> = { read: asIs, write: asIs };
      const failure = yield* dispatchStream(name, codec, request, incomingOf(context), reader);
      if (failure !== undefined) throw toConnectError(failure);
    };
  }
}

function incomingOf(context: HandlerContext): IncomingCall {
  const http = context.values.get(httpCallKey);
  http.reached = true;
  return {
    address: http.address,
    authorization: context.requestHeader.get("authorization") ?? undefined,
    certificateNames: http.certificateNames,
    requestId: context.requestHeader.get("x-request-id") ?? undefined,
    traceparent: context.requestHeader.get("traceparent") ?? undefined,
    timeoutMs: context.timeoutMs(),
  };
}

function asIs<T>(message: T): T {
  return message;
}

/** Never by ConnectError.from(), which takes our own timeouts for a caller that hung up. */
function toConnectError(failure: Failure): ConnectError {
  const code: Code = Number(failure.code);
  return new ConnectError(failure.message, code, undefined, [...toDetails(failure)]);
}
