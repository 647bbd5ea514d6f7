import { type DescMethod, toBinary } from "@bufbuild/protobuf";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { type ErrorReason, ServiceError } from "../../errors.ts";
import type { Redact } from "../../secret-shapes.ts";
import type { DispatchParts } from "../dispatch.ts";
import { toDetails } from "../errors/details.ts";
import { toFailure } from "../errors/failure.ts";

/**
 * Completes the answer to a Connect request that could not be read: it is logged and counted with `finished`, and a
 * malformed one is told INVALID_REQUEST as through every other door.
 */
export async function refuseUnread(
  answer: UniversalServerResponse,
  method: DescMethod,
  { log, redact }: Pick<DispatchParts, "log" | "redact">,
  finished: (code: string, reason: ErrorReason | undefined) => void = () => undefined,
): Promise<UniversalServerResponse> {
  const error = await readError(answer);
  // Nothing of ours has run yet, so that "internal" stands for binary content that is no message.
  const isMalformed = error?.code === "invalid_argument" || error?.code === "internal";
  const code = isMalformed ? "invalid_argument" : error?.code;
  const codeName = code?.toUpperCase() ?? `HTTP_${answer.status}`;
  log.info({ method: method.name, code: codeName }, "rpc");
  finished(codeName, isMalformed ? "INVALID_REQUEST" : undefined);
  if (error === undefined) return answer;
  if (!isMalformed) return withBody(answer, error.body);

  return withBody({ ...answer, status: 400 }, Buffer.from(JSON.stringify(malformedRequest(error.message, redact))));
}

/** What the Connect protocol says of a request that is none, in JSON. */
export function malformedRequest(why: string, redact: Redact): object {
  const failure = toFailure(new ServiceError("INVALID_REQUEST", `the request cannot be read: ${why}`), redact);
  const details = toDetails(failure).map(({ desc, value }) => ({
    type: desc.typeName,
    value: Buffer.from(toBinary(desc, value)).toString("base64").replace(/=+$/, ""),
  }));
  return { code: "invalid_argument", message: failure.message, details };
}

interface ConnectErrorBody {
  readonly code: string;
  readonly message: string;
  readonly body: Buffer;
}

/** Undefined if the answer has no error of the Connect protocol in its body. */
async function readError(answer: UniversalServerResponse): Promise<ConnectErrorBody | undefined> {
  if (answer.body === undefined || answer.header?.get("content-type") !== "application/json") return undefined;
  // Compressed only from a size that errors of the transport do not have.
  if (answer.header.has("content-encoding")) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const error: unknown = JSON.parse(body.toString());
  if (typeof error !== "object" || error === null || !("code" in error)) return { code: "unknown", message: "", body };
  return { code: String(error.code), message: "message" in error ? String(error.message) : "", body };
}

function withBody(answer: UniversalServerResponse, body: Buffer): UniversalServerResponse {
  const header = new Headers(answer.header);
  header.set("content-length", String(body.byteLength));
  return { ...answer, header, body: once(body) };
}

async function* once(body: Buffer): AsyncIterable<Uint8Array> {
  yield body;
}
