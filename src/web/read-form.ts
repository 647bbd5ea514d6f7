import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { hasRepeated } from "./query.ts";
import type { ReadRawBody } from "./raw-bodies.ts";

/** What a browser sent from a form. `unreadable`: it is none, or has a field twice; `cut_off`: nobody is left to answer. */
export type SentForm =
  | { readonly kind: "fields"; readonly fields: URLSearchParams }
  | { readonly kind: "unreadable" | "too_large" | "no_room" | "cut_off" };

/** After `too_large` and `no_room` the connection has to be closed: nobody reads the rest. */
export async function readForm(
  request: Readable & Pick<IncomingMessage, "headers">,
  readBody: ReadRawBody,
  maxBytes: number,
): Promise<SentForm> {
  if (!formType.test(request.headers["content-type"] ?? "")) return { kind: "unreadable" };
  const read = await readBody(request, maxBytes);
  if (read.kind !== "body") return read;
  const fields = new URLSearchParams(read.body.toString("utf8"));
  read.release();
  return hasRepeated(fields) ? { kind: "unreadable" } : { kind: "fields", fields };
}

const formType = /^application\/x-www-form-urlencoded(?:\s*;.*)?$/i;
