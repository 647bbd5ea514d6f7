import type { IncomingMessage, ServerResponse } from "node:http";
import { createConnectRouter, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { describeError } from "../../described-error.ts";
import { unprovenCaller } from "../../domain/model/audit-event.ts";
import type { ErrorReason } from "../../errors.ts";
import type { NodeHandler } from "../../node-handler.ts";
import { createDispatch, type DispatchParts } from "../dispatch.ts";
import { createDispatchStream } from "../streams/dispatch-stream.ts";
import { begun } from "./begun-body.ts";
import { addConnectService, type HttpCall, httpCallKey } from "./token-service.ts";
import { answerUnsaid, isGrpcWeb, refuseUnreadGrpcWeb } from "./unread-grpc-web.ts";
import { refuseUnread } from "./unread-requests.ts";
import { isConnectStream, refuseUnreadStream } from "./unread-streams.ts";

export interface ConnectOptions extends DispatchParts {
  /** The caller's address where proxies are trusted; the peer's by default. */
  readonly addressOf?: (request: IncomingMessage) => string | undefined;
  /** The names in the client certificate that the transport verified; none by default. */
  readonly certificateNamesOf?: (request: IncomingMessage) => readonly string[];
  /** Larger requests are refused. 64 KiB by default, compressed or not. */
  readonly maxRequestBytes?: number;
}

/**
 * The Connect protocol (JSON and binary) and gRPC-Web on `/oauth.token.v1.TokenService/{Method}`, for Express without
 * a mount path. Unknown JSON fields are refused: a misspelt narrowing must not widen a token.
 */
export function connectHandler(options: ConnectOptions): NodeHandler {
  const router = createConnectRouter({
    grpc: false,
    readMaxBytes: options.maxRequestBytes ?? 64 * 1024,
    acceptCompression: [compressionGzip, compressionBrotli],
    jsonOptions: { ignoreUnknownFields: false },
  });
  addConnectService(router, createDispatch(options), createDispatchStream(options));
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const certificateNamesOf = options.certificateNamesOf ?? (() => []);
  const addressOf = options.addressOf ?? ((request) => request.socket.remoteAddress);

  return (request, response, next) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const handler = handlers.get(path);
    if (handler !== undefined) {
      serve(handler, request, response).catch((error: unknown) => {
        // Whoever hung up, or sent what is no HTTP, gets no answer.
        options.log.debug({ method: handler.method.name, error: describeError(error) }, "rpc.unanswered");
        response.destroy();
      });
    } else if (path.startsWith(`/${TokenService.typeName}/`)) {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ code: "unimplemented", message: "unknown method" }));
    } else {
      next();
    }
  };

  async function serve(handler: UniversalHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = performance.now();
    const call: HttpCall = {
      address: addressOf(request),
      certificateNames: certificateNamesOf(request),
      cut: () => void response.destroy(),
      reached: false,
    };
    const values = createContextValues().set(httpCallKey, call);
    const asked = universalRequestFromNodeRequest(request, response, undefined, values);
    const said = await handler(asked).catch((error) => answerUnsaid(error, asked.header.get("content-type")));
    const answer = handler.method.methodKind === "unary" ? said : await begun(said);
    const finished = (code: string, reason: ErrorReason | undefined) =>
      options.telemetry?.callFinished({
        method: handler.method.name,
        caller: unprovenCaller,
        code,
        reason,
        seconds: (performance.now() - startedMs) / 1000,
      });
    const complete = call.reached ? undefined : refusalOf(answer);
    await universalResponseToNodeResponse(
      (await complete?.(answer, handler.method, options, finished)) ?? answer,
      response,
    );
  }
}

/** How what could not be read is refused, by where the protocol has its errors. */
function refusalOf(answer: UniversalServerResponse): typeof refuseUnread | undefined {
  if (isGrpcWeb(answer)) return refuseUnreadGrpcWeb;
  if (answer.status >= 400) return refuseUnread;
  return isConnectStream(answer) ? refuseUnreadStream : undefined;
}
