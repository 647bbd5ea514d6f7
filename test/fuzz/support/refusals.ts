import { expect } from "vitest";
import type { ErrorReason } from "../../../src/errors.ts";
import { refusals } from "../../rpc/refusals.ts";
import type { GrpcReply } from "./raw-grpc.ts";
import type { HttpReply } from "./raw-http.ts";

const known = new Map<string, { readonly number: number; readonly http: number }>(
  refusals.map(({ reason, number, http }): [ErrorReason, { number: number; http: number }] => [
    reason,
    { number, http },
  ]),
);

/** An answer of ours: OK, or a refusal of the contract's table with its one ErrorInfo. */
export function expectGrpcAnswer(reply: GrpcReply): void {
  expect(reply.httpStatus).toBe(200);
  if (reply.grpcStatus === 0) return;
  expect(reply.errorInfos).toHaveLength(1);
  const [info] = reply.errorInfos;
  expect(info?.domain).toBe("oauth.token.v1");
  expect(reply.grpcStatus).toBe(known.get(info?.reason ?? "")?.number);
  expect(reply.message).not.toBe("");
}

/** The headers that each of our HTTP answers has. */
export function expectOurHeaders(reply: HttpReply): void {
  expect(reply.headers["x-content-type-options"]).toBe("nosniff");
  expect(reply.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(reply.headers["cache-control"]).toBe("no-store");
  expect(reply.headers["x-request-id"]).toMatch(/^[!-~]{1,128}$/);
  expect(reply.headers["x-powered-by"]).toBeUndefined();
  expect(reply.status).not.toBe(500);
}

/** An answer of the REST routes: what was asked for, or `{"error":{…}}` with a reason of the contract. */
export function expectRestAnswer(reply: HttpReply): void {
  expectOurHeaders(reply);
  expect(reply.headers["content-type"]).toMatch(/^application\/json/);
  const body = JSON.parse(reply.text);
  if (reply.status === 200) return;
  expect(reply.status).toBeGreaterThanOrEqual(400);
  expect(known.has(body.error.reason)).toBe(true);
  expect(typeof body.error.code).toBe("string");
  expect(body.error.message).not.toBe("");
}

/** What grpc-js refuses before a method of ours is reached, and the health protocol; the caller's fault every time. */
const ofTransport: Readonly<Record<number, RegExp>> = {
  3: /^this is no name of a service$/,
  4: /^Deadline exceeded$/,
  5: /^unknown service$/,
  8: /^(?:Received message (?:larger than max|that decompresses to a size larger than)|too many streams are open$)/,
  12: /^(?:Received (?:no|a second) request message|Received message compressed with|The server does not implement)/,
  13: /^(?:Error deserializing request|Failed to decompress message|Invalid grpc-timeout value)/,
};

/** An answer to what is not even a gRPC call: one of ours, one of the transport's, or a stream that is just reset. */
export function expectTransportAnswer(reply: GrpcReply): void {
  if (reply.grpcStatus === undefined) expect([0, 200, 400, 415, 431]).toContain(reply.httpStatus);
  else if (reply.grpcStatus === 0 || reply.errorInfos.length > 0) expectGrpcAnswer(reply);
  else expect(reply.message).toMatch(ofTransport[reply.grpcStatus] ?? /^$/);
}
