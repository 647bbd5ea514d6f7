import type { DescMethod } from "@bufbuild/protobuf";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { ErrorReason } from "../../errors.ts";
import type { DispatchParts } from "../dispatch.ts";
import { malformedRequest } from "./unread-requests.ts";

/** The flag of the last frame of a stream, whose content is JSON and holds the error. */
const endFlag = 2;
const headLength = 5;

/** Whether failures stand in the last frame of the body, below a status of 200. */
export function isConnectStream(answer: UniversalServerResponse): boolean {
  return answer.header?.get("content-type")?.startsWith("application/connect+") === true;
}

/** `refuseUnread` for streams of the Connect protocol. */
export async function refuseUnreadStream(
  answer: UniversalServerResponse,
  method: DescMethod,
  { log, redact }: Pick<DispatchParts, "log" | "redact">,
  finished: (code: string, reason: ErrorReason | undefined) => void = () => undefined,
): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const error = readError(body);
  // Nothing of ours has run yet, so that "internal" stands for content that is no message.
  const isMalformed = error?.code === "invalid_argument" || error?.code === "internal";
  const codeName = (isMalformed ? "invalid_argument" : (error?.code ?? "unknown")).toUpperCase();
  log.info({ method: method.name, code: codeName }, "rpc");
  finished(codeName, isMalformed ? "INVALID_REQUEST" : undefined);
  if (error === undefined || !isMalformed) return { ...answer, body: once(body) };
  return { ...answer, body: once(endFrame({ error: malformedRequest(error.message, redact) })) };
}

/** Undefined if the body does not begin with its end. */
function readError(body: Buffer): { readonly code: string; readonly message: string } | undefined {
  if (body.length < headLength || body.readUInt8(0) !== endFlag) return undefined;
  const end: unknown = JSON.parse(body.toString("utf8", headLength));
  const error = typeof end === "object" && end !== null && "error" in end ? end.error : undefined;
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return { code: String(error.code), message: "message" in error ? String(error.message) : "" };
}

function endFrame(end: object): Buffer {
  const content = Buffer.from(JSON.stringify(end));
  const head = Buffer.alloc(headLength);
  head.writeUInt8(endFlag, 0);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

async function* once(body: Buffer): AsyncIterable<Uint8Array> {
  yield body;
}
