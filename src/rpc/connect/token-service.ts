import {
  type Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Dispatch } from "../dispatch.ts";
import { toDetails } from "../errors/details.ts";
import type { Failure } from "../errors/failure.ts";
import { ofEveryRpc, type RequestOf, type ResponseOf, type RpcName } from "../rpc-names.ts";

/** What the HTTP side and the RPC side of one call tell each other. */
export interface HttpCall {
  readonly address: string | undefined;
  readonly certificateNames: readonly string[];
  /** Whether the request could be read. */
  reached: boolean;
}

export const httpCallKey = createContextKey<HttpCall>({ address: undefined, certificateNames: [], reached: false });

type Implementation = { readonly [Name in RpcName]: Serve<Name> };
type Serve<in out Name extends RpcName> = (
  request: RequestOf<Name>,
  context: HandlerContext,
) => Promise<ResponseOf<Name>>;

/** Serves the RPCs on a Connect router. */
export function addConnectService(router: ConnectRouter, dispatch: Dispatch): void {
  router.service(
    TokenService,
    ofEveryRpc<Implementation>((name) => serve(name) satisfies Serve<typeof name> as Implementation[typeof name]),
  );

  function serve<Name extends RpcName>(name: Name): Serve<Name> {
    return async (request, context) => {
      const http = context.values.get(httpCallKey);
      http.reached = true;
      const incoming = {
        address: http.address,
        authorization: context.requestHeader.get("authorization") ?? undefined,
        certificateNames: http.certificateNames,
        requestId: context.requestHeader.get("x-request-id") ?? undefined,
        traceparent: context.requestHeader.get("traceparent") ?? undefined,
        timeoutMs: context.timeoutMs(),
      };
      const outcome = await dispatch(name, { read: asIs, write: asIs }, request, incoming);
      if (outcome.kind === "failed") throw toConnectError(outcome.failure);
      return outcome.response;
    };
  }
}

function asIs<T>(message: T): T {
  return message;
}

/** Never by ConnectError.from(), which takes our own timeouts for a caller that hung up. */
function toConnectError(failure: Failure): ConnectError {
  const code: Code = Number(failure.code);
  return new ConnectError(failure.message, code, undefined, [...toDetails(failure)]);
}
