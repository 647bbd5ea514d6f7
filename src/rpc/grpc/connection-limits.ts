import type { ServerOptions } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import type { StreamLimits } from "./open-streams.ts";
import { allowedResets } from "./session-guard.ts";
import type { Patience } from "./unfinished-requests.ts";

/** What clients of the gRPC listener may take up. */
export interface ConnectionLimits {
  /** Larger requests are refused with RESOURCE_EXHAUSTED. 64 KiB by default. */
  readonly maxRequestBytes?: number;
  /** Calls at once on one connection; clients hold further ones back. 100 by default. */
  readonly maxConcurrentStreams?: number;
  /** Then clients are asked to connect anew, by which new certificates come into use. 30 minutes by default, ± 10 %. */
  readonly maxConnectionAgeMs?: number;
  /** What is not whole by then is ended. */
  readonly patience?: Patience;
  /** Watches and descriptions at once. 10 on a connection and 2,000 in all by default. */
  readonly streams?: StreamLimits;
}

/** A connection without a call is closed after this. */
const idleMs = 5 * 60_000;
/** An aged connection with calls is cut after this; no call but a stream takes as long. */
const ageGraceMs = 70_000;

/** The limits in the names of grpc-js. */
export function channelOptions(limits: ConnectionLimits) {
  return {
    "grpc.max_receive_message_length": limits.maxRequestBytes ?? 64 * 1024,
    "grpc.max_concurrent_streams": limits.maxConcurrentStreams ?? 100,
    "grpc.max_connection_age_ms": limits.maxConnectionAgeMs ?? 30 * 60_000,
    "grpc.max_connection_age_grace_ms": ageGraceMs,
    "grpc.max_connection_idle_ms": idleMs,
    // Finds dead clients, whose health watches would stay forever.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.enable_channelz": 0,
  };
}

const http2Limits: ServerOptions = {
  maxHeaderListPairs: 64,
  maxSessionInvalidFrames: 10,
  // Beyond what the session guard allows, which cuts the connection: until it can, nothing more of one read is looked at.
  // By so much, since this one also counts resets that cross with our answers, says INTERNAL_ERROR and is not logged.
  streamResetBurst: 2 * allowedResets.burst,
  streamResetRate: 4 * allowedResets.perSecond,
};
/** From when the client knows of it; until then, and for who never says so, it is the 64 KiB of node:http2. */
const maxHeaderListSize = 16 * 1024;

/**
 * Sets what grpc-js has no names for, in the options that it gives to node:http2.
 * @throws Error if they are not where this version of grpc-js has them.
 */
export function limitHttp2(server: Server): void {
  const options: unknown = Reflect.get(server, "commonServerOptions");
  if (!isServerOptions(options)) throw new Error("grpc-js does not have its HTTP/2 options where they are looked for");
  Object.assign(options, http2Limits, { settings: { ...options.settings, maxHeaderListSize } });
}

function isServerOptions(options: unknown): options is ServerOptions {
  return typeof options === "object" && options !== null && "maxSessionMemory" in options;
}
