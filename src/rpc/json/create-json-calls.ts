import type { JsonObject } from "@bufbuild/protobuf";
import { perObject } from "../../work/per-object.ts";
import { createDispatch, type DispatchParts, type Outcome } from "../dispatch.ts";
import { ofEveryUnary, type UnaryName } from "../rpc-names.ts";
import type { JsonAnswer, JsonCall, JsonCalls } from "./json-calls.ts";
import { type JsonCodec, jsonCodec } from "./json-codec.ts";
import { refusal } from "./refusal.ts";

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

function toAnswer(outcome: Outcome<JsonObject>): JsonAnswer {
  if (outcome.kind === "failed") return refusal(outcome.failure);
  return { status: 200, body: outcome.response, retryAfterSeconds: undefined };
}

const { read, write } = jsonCodec("getToken");

/** Of what is called for every token: reading and writing JSON costs ten times what the rest of a warm call does. */
const warmCodecs: { readonly [Name in UnaryName]?: JsonCodec<Name> } = {
  getToken: { read: perObject(read), write: perObject(write) },
};
