import type { JsonObject } from "@bufbuild/protobuf";
import type { Evidence } from "../../domain/access/caller.ts";
import type { UnaryName } from "../rpc-names.ts";

/** What a route knows of the request besides its content. */
export interface JsonCallContext extends Evidence {
  /** The peer's address, for the record. */
  readonly address: string | undefined;
  /** The `x-request-id` header; one is made if it is absent or not printable. */
  readonly requestId: string | undefined;
  /** The `traceparent` header (W3C Trace Context). */
  readonly traceparent: string | undefined;
}

export interface JsonAnswer {
  /** HTTP status: 200, or the usual one for the gRPC code. */
  readonly status: number;
  /**
   * The response message with proto field names, enum values as names and every field that has no presence; after a
   * refusal `{"error":{"code","reason","message","metadata"}}`, with `violations` where fields break a rule.
   */
  readonly body: JsonObject;
  /** For a `Retry-After` header; undefined where waiting does not help. */
  readonly retryAfterSeconds: number | undefined;
}

/**
 * Calls an RPC with a request in proto JSON (snake_case, unset fields left out; numbers may be strings). Never throws
 * or rejects; answers at once where nothing has to be waited for. Every rule of the contract applies; a field nobody
 * knows is refused. A request of GetToken that comes again as the same object is read once, and the same token is
 * answered with the same body: neither may be changed.
 */
export type JsonCall = (request: JsonObject, context: JsonCallContext) => JsonAnswer | Promise<JsonAnswer>;

export type JsonCalls = { readonly [Name in UnaryName]: JsonCall };

/** The other end of a stream. */
export interface JsonReader {
  /** Aborted when it has hung up. */
  readonly signal: AbortSignal;
  /** Cuts the stream without waiting for what is under way. */
  readonly cut: () => void;
}

/**
 * The same of an RPC that answers with a stream: messages are made as they are taken. What it returns at last is why it
 * ended; undefined: as it should, or since its reader has left.
 */
export type JsonStream = (
  request: JsonObject,
  context: JsonCallContext,
  reader: JsonReader,
) => AsyncGenerator<JsonObject, JsonAnswer | undefined, undefined>;
