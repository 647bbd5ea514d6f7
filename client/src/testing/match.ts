import { create, type JsonObject, toJson } from "@bufbuild/protobuf";
import { type GetTokenRequest, GetTokenRequestSchema } from "../../../gen/oauth/token/v1/token_service_pb.js";
import { refuseUnknownFields } from "../calls/known-fields.ts";
import type { Selector } from "../token-client.ts";
import { toRequest } from "../tokens/request.ts";

/** What is asked for, field by field; `minTtl` and what was rejected select nothing. */
export type Fields = Readonly<Record<string, string>>;

export function fieldsOf(request: GetTokenRequest): Fields {
  const { minTtl: _, rejectedTokenId: __, ...fields } = toJson(GetTokenRequestSchema, request) as JsonObject;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)]));
}

export function fieldsOfSelector(selector: Selector): Fields {
  refuseUnknownFields(GetTokenRequestSchema, selector);
  return fieldsOf(create(GetTokenRequestSchema, toRequest(selector, undefined)));
}

/** How many fields they agree in; undefined if the request does not have all that was set. */
export function agreement(set: Fields, asked: Fields): number | undefined {
  const names = Object.keys(set);
  return names.every((name) => set[name] === asked[name]) ? names.length : undefined;
}
