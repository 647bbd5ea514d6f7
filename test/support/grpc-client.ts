import {
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

// An independent client: it knows the service from the .proto files alone.
const proto = new URL("../../proto", import.meta.url).pathname;
const options = { includeDirs: [proto], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const files = [
  "oauth/token/v1/token_service.proto",
  "oauth/token/v1/error_reason.proto",
  "grpc/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto",
  "grpc/reflection/v1alpha/reflection.proto",
  "google/rpc/status.proto",
  "google/rpc/error_details.proto",
];
const loaded = loadSync(files, options);
const grpcPackage = loadPackageDefinition(loaded);

export type Message = Record<string, unknown>;

export interface GrpcAnswer {
  readonly error: ServiceError | undefined;
  readonly response: Message | undefined;
}

/** A client of one service by its full name. */
export function connectClient(service: string, port: number, channel: Message = {}): Client {
  let found: unknown = grpcPackage;
  for (const part of service.split(".")) found = (found as Message)[part];
  const Constructor = found as new (address: string, credentials: unknown, options: Message) => Client;
  return new Constructor(`127.0.0.1:${port}`, credentials.createInsecure(), channel);
}

/** One unary call; never rejects. */
export function unary(
  client: Client,
  method: string,
  request: Message,
  settings: { metadata?: Record<string, string | readonly string[]>; deadlineMs?: number } = {},
): Promise<GrpcAnswer> {
  const metadata = new Metadata();
  for (const [key, values] of Object.entries(settings.metadata ?? {})) {
    for (const value of [values].flat()) metadata.add(key, value);
  }
  const callOptions = settings.deadlineMs === undefined ? {} : { deadline: Date.now() + settings.deadlineMs };
  return new Promise((resolve) => {
    const call = (client as unknown as Record<string, (...args: unknown[]) => unknown>)[method];
    call?.call(client, request, metadata, callOptions, (error: ServiceError | null, response?: Message) =>
      resolve({ error: error ?? undefined, response }),
    );
  });
}

/** A stream until its first message or its end, then hung up; never rejects. */
export function firstOfStream(
  client: Client,
  method: string,
  request: Message,
  headers: Readonly<Record<string, string>> = {},
): Promise<GrpcAnswer> {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  const open = (client as unknown as Record<string, (...args: unknown[]) => ClientReadableStream<Message>>)[method];
  const stream = open?.call(client, request, metadata);
  return new Promise((resolve) => {
    stream?.on("error", (error: ServiceError) => resolve({ error, response: undefined }));
    stream?.once("data", (response: Message) => {
      resolve({ error: undefined, response });
      stream.cancel();
    });
  });
}

/** A refusal with its details as the contract promises them. */
export interface Refusal {
  /** The gRPC status code's name. */
  readonly code: string;
  readonly message: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of RetryInfo; undefined if there is none. */
  readonly retryAfterMs: number | undefined;
  /** The fields of BadRequest. */
  readonly fields: readonly string[];
}

/** Reads a refusal. @throws Error unless it has exactly one ErrorInfo, of our domain. */
export function readRefusal(error: ServiceError): Refusal {
  const details = detailsOf(error);
  const all = (type: string) => details.filter((detail) => detail.type === type).map(({ value }) => value);
  const [info, ...more] = all("google.rpc.ErrorInfo");
  if (info === undefined || more.length > 0 || info.domain !== "oauth.token.v1") {
    throw new Error(`${status[error.code]} ${error.details}: not one ErrorInfo but ${JSON.stringify(details)}`);
  }
  const [retry] = all("google.rpc.RetryInfo") as { retry_delay: { seconds: string; nanos: number } }[];
  const violations = all("google.rpc.BadRequest").flatMap((value) => value.field_violations as { field: string }[]);
  return {
    code: status[error.code] ?? "",
    message: error.details,
    reason: String(info.reason),
    metadata: info.metadata as Record<string, string>,
    retryAfterMs: retry && Number(retry.retry_delay.seconds) * 1000 + retry.retry_delay.nanos / 1e6,
    fields: violations.map(({ field }) => field),
  };
}

/** The details of `grpc-status-details-bin`, decoded with the loaded files: type name and fields. */
export function detailsOf(error: ServiceError | undefined): { type: string; value: Message }[] {
  const bytes = error?.metadata.get("grpc-status-details-bin")[0];
  if (!(bytes instanceof Buffer)) return [];
  const status = decode("google.rpc.Status", bytes);
  return (status.details as { type_url: string; value: Buffer }[]).map(({ type_url, value }) => {
    const type = type_url.slice(type_url.lastIndexOf("/") + 1);
    return { type, value: decode(type, value) };
  });
}

function decode(type: string, bytes: Buffer): Message {
  return (loaded[type] as unknown as { deserialize(bytes: Buffer): Message }).deserialize(bytes);
}
