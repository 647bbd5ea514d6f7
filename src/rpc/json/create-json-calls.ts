import { create, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { Code } from "../../../gen/google/rpc/code_pb.js";
import { TokenService } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { perObject } from "../../work/per-object.ts";
import { type Codec, createDispatch, type DispatchParts, type Outcome } from "../dispatch.ts";
import { httpStatuses } from "../errors/codes.ts";
import type { Failure } from "../errors/failure.ts";
import { type MessagesOf, ofEveryUnary, type UnaryName } from "../rpc-names.ts";
import type { JsonAnswer, JsonCall, JsonCalls } from "./json-calls.ts";
import { toJsonObject } from "./to-json-object.ts";

/** The door for REST routes: the same rules, errors and log line as everywhere. */
export function createJsonCalls(options: DispatchParts): JsonCalls {
  const dispatch = createDispatch(options);

  function call<Name extends UnaryName>(name: Name): JsonCall {
    const codec: JsonCodec<Name> = warmCodecs[name] ?? jsonCodec(name);
    return (request, context) => {
      const outcome = dispatch(name, codec, request, { timeoutMs: undefined, ...context });
      return outcome instanceof Promise ? outcome.then(toAnswer) : toAnswer(outcome);
    };
  }

  return ofEveryUnary<JsonCalls>(call);
}

type JsonCodec<Name extends UnaryName> = Codec<Name, JsonObject, JsonObject>;

function toAnswer(outcome: Outcome<JsonObject>): JsonAnswer {
  if (outcome.kind === "failed") return refusal(outcome.failure);
  return { status: 200, body: outcome.response, retryAfterSeconds: undefined };
}

function jsonCodec<Name extends UnaryName>(name: Name): JsonCodec<Name> {
  const { input, output }: MessagesOf<Name> = TokenService.method[name];
  return {
    read: (request) => fromJson(input, request),
    write: (response) => toJsonObject(output, create(output, response)),
  };
}

const { read, write } = jsonCodec("getToken");

/** Of what is called for every token: reading and writing JSON costs ten times what the rest of a warm call does. */
const warmCodecs: { readonly [Name in UnaryName]?: JsonCodec<Name> } = {
  getToken: { read: perObject(read), write: perObject(write) },
};

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
