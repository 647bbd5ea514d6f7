import { type DescMethod, toBinary } from "@bufbuild/protobuf";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { Code } from "../../../gen/google/rpc/code_pb.js";
import { StatusSchema } from "../../../gen/google/rpc/status_pb.js";
import { type ErrorReason, ServiceError } from "../../errors.ts";
import type { Redact } from "../../secret-shapes.ts";
import type { DispatchParts } from "../dispatch.ts";
import { toStatus } from "../errors/details.ts";
import { toFailure } from "../errors/failure.ts";

/** The flag of a frame that holds trailers, not compressed. */
const trailerFlag = 0x80;
const headLength = 5;

/** Whether failures stand in trailers at the end of the body, below a status of 200. */
export function isGrpcWeb(answer: UniversalServerResponse): boolean {
  return answer.header?.get("content-type")?.startsWith("application/grpc-web") === true;
}

/**
 * The answer to a gRPC-Web request that connect could not refuse itself: its message quotes the content, and half a
 * character has no percent-encoding. Throws every other error again.
 */
export function answerUnsaid(error: unknown, contentType: string | null): UniversalServerResponse {
  if (!(error instanceof URIError) || !contentType?.startsWith("application/grpc-web")) throw error;
  const trailers = trailerFrame(`grpc-status: ${Code.INVALID_ARGUMENT}\r\ngrpc-message: not%20valid%20JSON\r\n`);
  return { status: 200, header: new Headers({ "content-type": contentType }), body: once(trailers) };
}

/** `refuseUnread` for gRPC-Web: logged, counted, and a malformed message is told INVALID_REQUEST. */
export async function refuseUnreadGrpcWeb(
  answer: UniversalServerResponse,
  method: DescMethod,
  { log, redact }: Pick<DispatchParts, "log" | "redact">,
  finished: (code: string, reason: ErrorReason | undefined) => void = () => undefined,
): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const trailers = readTrailers(body);
  const status = Number(trailers?.get("grpc-status") ?? Code.UNKNOWN);
  // Nothing of ours has run yet, so that INTERNAL stands for content that is no message.
  const isMalformed = status === Code.INVALID_ARGUMENT || status === Code.INTERNAL;
  const codeName = Code[isMalformed ? Code.INVALID_ARGUMENT : status] ?? "UNKNOWN";
  log.info({ method: method.name, code: codeName }, "rpc");
  finished(codeName, isMalformed ? "INVALID_REQUEST" : undefined);
  return { ...answer, body: once(isMalformed ? malformed(trailers?.get("grpc-message") ?? "", redact) : body) };
}

function malformed(encodedWhy: string, redact: Redact): Buffer {
  const why = `the request cannot be read: ${decodeURIComponent(encodedWhy)}`;
  const failure = toFailure(new ServiceError("INVALID_REQUEST", why), redact);
  const details = Buffer.from(toBinary(StatusSchema, toStatus(failure)));
  return trailerFrame(
    `grpc-status: ${failure.code}\r\ngrpc-message: ${encodeURIComponent(failure.message)}\r\n` +
      `grpc-status-details-bin: ${details.toString("base64").replace(/=+$/, "")}\r\n`,
  );
}

function trailerFrame(text: string): Buffer {
  const trailers = Buffer.from(text);
  const head = Buffer.alloc(headLength);
  head.writeUInt8(trailerFlag, 0);
  head.writeUInt32BE(trailers.length, 1);
  return Buffer.concat([head, trailers]);
}

/** Undefined if the body does not begin with them. */
function readTrailers(body: Buffer): ReadonlyMap<string, string> | undefined {
  if (body.length < headLength || body.readUInt8(0) !== trailerFlag) return undefined;
  const lines = body.toString("latin1", headLength).split("\r\n");
  return new Map(
    lines.map((line): [string, string] => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
}

async function* once(body: Buffer): AsyncIterable<Uint8Array> {
  yield body;
}
