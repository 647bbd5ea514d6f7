import {
  type Code,
  ConnectError,
  type ConnectRouter,
  createContextKey,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import type { Dispatch } from "../dispatch.ts";
import { toDetails } from "../errors/details.ts";
import type { Failure } from "../errors/failure.ts";
import type { RequestOf, ResponseOf, RpcName } from "../rpc-names.ts";

/** What the HTTP side and the RPC side of one call tell each other. */
export interface Arrival {
  readonly address: string | undefined;
  readonly certificateNames: readonly string[];
  /** Whether the request could be read. */
  reached: boolean;
}

export const arrivalKey = createContextKey<Arrival>({ address: undefined, certificateNames: [], reached: false });

/** Serves the RPCs on a Connect router. */
export function addTokenService(router: ConnectRouter, dispatch: Dispatch): void {
  const implementation: ServiceImpl<typeof TokenService> = {
    getToken: (request, context) => run("getToken", request, context),
    listInstallations: (request, context) => run("listInstallations", request, context),
    getInstallation: (request, context) => run("getInstallation", request, context),
    revokeInstallation: (request, context) => run("revokeInstallation", request, context),
    createInstallLink: (request, context) => run("createInstallLink", request, context),
    completeInstall: (request, context) => run("completeInstall", request, context),
    listAuditEvents: (request, context) => run("listAuditEvents", request, context),
  };
  router.service(TokenService, implementation);

  async function run<Name extends RpcName>(
    name: Name,
    request: RequestOf<Name>,
    context: HandlerContext,
  ): Promise<ResponseOf<Name>> {
    const arrival = context.values.get(arrivalKey);
    arrival.reached = true;
    const incoming = {
      address: arrival.address,
      authorization: context.requestHeader.get("authorization") ?? undefined,
      certificateNames: arrival.certificateNames,
      requestId: context.requestHeader.get("x-request-id") ?? undefined,
      traceparent: context.requestHeader.get("traceparent") ?? undefined,
      timeoutMs: context.timeoutMs(),
    };
    const outcome = await dispatch(name, { read: asIs, write: asIs }, request, incoming);
    if (outcome.kind === "failed") throw toConnectError(outcome.failure);
    return outcome.response;
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
