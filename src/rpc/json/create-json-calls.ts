import {
  create,
  type DescMessage,
  type DescMethod,
  fromJson,
  type JsonObject,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { Code } from "../../../gen/google/rpc/code_pb.js";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { type Codec, createDispatch, type DispatchParts } from "../dispatch.ts";
import { httpStatuses } from "../errors/codes.ts";
import type { Failure } from "../errors/failure.ts";
import type { RpcName } from "../rpc-names.ts";
import type { JsonAnswer, JsonCallContext, JsonCalls } from "./json-calls.ts";

/** The door for REST routes: the same rules, errors and log line as everywhere. */
export function createJsonCalls(options: DispatchParts): JsonCalls {
  const dispatch = createDispatch(options);

  async function call<Name extends RpcName>(
    name: Name,
    codec: Codec<Name, JsonObject, JsonObject>,
    request: JsonObject,
    context: JsonCallContext,
  ): Promise<JsonAnswer> {
    const outcome = await dispatch(name, codec, request, { timeoutMs: undefined, ...context });
    if (outcome.kind === "failed") return refusal(outcome.failure);
    return { status: 200, body: outcome.response, retryAfterSeconds: undefined };
  }

  return {
    getToken: (request, context) => call("getToken", codecs.getToken, request, context),
    listInstallations: (request, context) => call("listInstallations", codecs.listInstallations, request, context),
    getInstallation: (request, context) => call("getInstallation", codecs.getInstallation, request, context),
    revokeInstallation: (request, context) => call("revokeInstallation", codecs.revokeInstallation, request, context),
  };
}

const codecs = {
  getToken: jsonCodec(TokenService.method.getToken),
  listInstallations: jsonCodec(TokenService.method.listInstallations),
  getInstallation: jsonCodec(TokenService.method.getInstallation),
  revokeInstallation: jsonCodec(TokenService.method.revokeInstallation),
};

function jsonCodec<Method extends DescMethod>({ input, output }: Method) {
  return {
    read: (request: JsonObject): MessageShape<Method["input"]> => fromJson<Method["input"]>(input, request),
    write: (response: MessageInitShape<Method["output"]>): JsonObject =>
      toJsonObject(output, create<Method["output"]>(output, response)),
  };
}

function toJsonObject(desc: DescMessage, message: Message): JsonObject {
  // Callers of the earlier HTTP API read lists and maps without asking whether they are there.
  const json = toJson(desc, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new TypeError(`${desc.typeName} is no JSON object`);
}

function refusal(failure: Failure): JsonAnswer {
  const { code, reason, message, metadata, violations, retryAfterMs } = failure;
  return {
    status: httpStatuses[code],
    body: {
      error: {
        code: Code[code] ?? "UNKNOWN",
        reason: reason ?? "",
        message,
        metadata: { ...metadata },
        ...(violations.length === 0 ? {} : { violations: violations.map((violation) => ({ ...violation })) }),
      },
    },
    retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000),
  };
}
