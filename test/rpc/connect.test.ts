import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import express from "express";
import { afterEach, describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import {
  GetTokenRequestSchema,
  GetTokenResponseSchema,
  TokenService,
} from "../../gen/oauth/token/v1/token_service_pb.js";
import { createTestWorld } from "../../rig/world.ts";
import type { Call } from "../../src/domain/model/call.ts";
import { ServiceError } from "../../src/errors.ts";
import { type ConnectOptions, connectHandler } from "../../src/rpc/connect/connect-handler.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { fakeUseCases, issuedToken, openDoor, sealer } from "./fake-use-cases.ts";
import { refusals } from "./refusals.ts";

const servers: Server[] = [];

async function start(useCases: Partial<UseCases> = {}, options: Partial<ConnectOptions> = {}) {
  const world = createTestWorld();
  const procedures = createProcedures({ useCases: fakeUseCases(useCases), sealer });
  const app = express();
  app.use(connectHandler({ ...world, ...openDoor, procedures, ...options }));
  app.use((_request, response) => void response.status(418).end());
  const server = createServer(app).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = (
    method: string,
    body: string | Buffer<ArrayBuffer> | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ) =>
    fetch(`${baseUrl}/oauth.token.v1.TokenService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  return { baseUrl, post, lines: () => world.lines.map((line) => JSON.parse(line)) };
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

function detailsOf(body: ErrorBody, type: string): Uint8Array[] {
  return (body.details ?? []).filter((detail) => detail.type === type).map(({ value }) => Buffer.from(value, "base64"));
}

describe("the Connect door", () => {
  test("answers JSON as curl sends it, in camelCase or as in the proto", async () => {
    const { post } = await start();
    for (const body of ['{"platform":"github","externalOrgId":"1"}', '{"platform":"github","external_org_id":"1"}']) {
      const response = await post("GetToken", body);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        accessToken: "ghs_the-token",
        expireTime: "2030-01-02T03:04:05.678Z",
      });
    }
  });

  test("answers binary messages", async () => {
    const { post } = await start();
    const message = toBinary(GetTokenRequestSchema, create(GetTokenRequestSchema, { platform: "github" }));
    const response = await post("GetToken", new Uint8Array(message), { "content-type": "application/proto" });
    expect(response.headers.get("content-type")).toBe("application/proto");
    expect(fromBinary(GetTokenResponseSchema, new Uint8Array(await response.arrayBuffer())).tokenType).toBe("Bearer");
  });

  test("answers gRPC-Web with the status in a trailer frame", async () => {
    const { post } = await start();
    const message = toBinary(GetTokenRequestSchema, create(GetTokenRequestSchema, { platform: "github" }));
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    const response = await post("GetToken", frame, { "content-type": "application/grpc-web+proto" });
    const body = Buffer.from(await response.arrayBuffer());
    const length = body.readUInt32BE(1);
    expect(fromBinary(GetTokenResponseSchema, body.subarray(5, 5 + length)).accessToken).toBe("ghs_the-token");
    expect(body.readUInt8(5 + length)).toBe(0x80);
    expect(body.subarray(10 + length).toString()).toMatch(/^grpc-status: 0\r\n/);
  });

  test("leaves gRPC to its own listener", async () => {
    const { post } = await start();
    expect((await post("GetToken", "", { "content-type": "application/grpc" })).status).toBe(415);
  });

  test.each(refusals)("refuses $reason with its code and exactly one ErrorInfo", async ({ reason, number, retry }) => {
    const { baseUrl, post } = await start({
      getToken: async () => {
        const options = { metadata: { installation_ids: "1,2" }, ...(retry ? { retryAfterMs: 2_500 } : {}) };
        throw new ServiceError(reason, "no", options);
      },
    });
    const body = (await (await post("GetToken", '{"platform":"github"}')).json()) as ErrorBody;
    const infos = detailsOf(body, "google.rpc.ErrorInfo").map((bytes) => fromBinary(ErrorInfoSchema, bytes));
    expect(infos).toMatchObject([{ reason, domain: "oauth.token.v1", metadata: { installation_ids: "1,2" } }]);
    const retries = detailsOf(body, "google.rpc.RetryInfo").map((bytes) => fromBinary(RetryInfoSchema, bytes));
    expect(retries.map(({ retryDelay }) => retryDelay)).toMatchObject(
      retry ? [{ seconds: 2n, nanos: 500_000_000 }] : [],
    );

    for (const transport of [createConnectTransport, createGrpcWebTransport]) {
      const client = createClient(TokenService, transport({ baseUrl, httpVersion: "1.1" }));
      const error: ConnectError = await client.getToken({ platform: "github" }).then(
        () => Promise.reject(new Error("was answered")),
        (refusal) => refusal,
      );
      expect(error.code).toBe(number);
      expect(error.rawMessage).toBe("no");
      expect(error.findDetails(ErrorInfoSchema).map((info) => info.reason)).toEqual([reason]);
    }
  });

  test("reports all violations of a request", async () => {
    const { post } = await start();
    const response = await post("ListInstallations", '{"pageSize":-1,"owner":"\\u0000"}');
    expect(response.status).toBe(400);
    const body = (await response.json()) as ErrorBody;
    const [badRequest] = detailsOf(body, "google.rpc.BadRequest").map((bytes) => fromBinary(BadRequestSchema, bytes));
    expect(badRequest?.fieldViolations.map(({ field }) => field)).toEqual(["page_size", "owner"]);
  });

  test.each([
    ["a misspelt field", '{"platform":"github","repositores":["one"]}'],
    ["a wrong type", '{"platform":7}'],
    ["no JSON", "{"],
  ])("takes %s for an invalid request, and logs the call", async (_what, content) => {
    const { post, lines } = await start();
    const response = await post("GetToken", content);
    expect(response.status).toBe(400);
    const body = (await response.json()) as ErrorBody;
    expect(body.code).toBe("invalid_argument");
    const infos = detailsOf(body, "google.rpc.ErrorInfo").map((bytes) => fromBinary(ErrorInfoSchema, bytes));
    expect(infos.map(({ reason }) => reason)).toEqual(["INVALID_REQUEST"]);
    expect(lines()).toMatchObject([{ level: "info", method: "GetToken", code: "INVALID_ARGUMENT" }]);
  });

  test("takes binary rubbish for an invalid request", async () => {
    const { post } = await start();
    const response = await post("GetToken", Buffer.from([0x0a, 0xff]), { "content-type": "application/proto" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_argument",
      details: [{ type: "google.rpc.ErrorInfo" }],
    });
  });

  test.each(["application/json", "application/grpc-web+json"])(
    "refuses %s that begins with a character of two halves, which cannot be quoted by its first",
    async (type) => {
      const { post, lines } = await start();
      const text = Buffer.from("\u{10000}");
      const isFramed = type.startsWith("application/grpc-web");
      const body = isFramed ? Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), text]) : text;
      const response = await post("GetToken", body, { "content-type": type });
      expect(response.headers.get("content-type")).toBe(type);
      expect(await response.text()).toMatch(isFramed ? /grpc-status: 3\r\n/ : /"code":"invalid_argument"/);
      expect(lines()).toMatchObject([{ level: "info", code: "INVALID_ARGUMENT" }]);
    },
  );

  test.each([
    ["plain", (text: string) => text, {}],
    ["compressed", gzipSync, { "content-encoding": "gzip" }],
  ])("refuses more than 64 KiB, %s", async (_how, encode, headers) => {
    const { post, lines } = await start();
    const response = await post("GetToken", encode(JSON.stringify({ platform: "x".repeat(70_000) })), headers);
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ code: "resource_exhausted" });
    expect(lines()).toMatchObject([{ code: "RESOURCE_EXHAUSTED" }]);
  });

  test("does not implement unknown methods, and passes on what is none of its paths", async () => {
    const { baseUrl, post } = await start();
    const unknown = await post("StealToken", "{}");
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ code: "unimplemented" });
    expect((await fetch(`${baseUrl}/health`)).status).toBe(418);
  });

  test("takes no request from a URL", async () => {
    const { baseUrl } = await start();
    const query = "connect=v1&encoding=json&message=%7B%22platform%22%3A%22github%22%7D";
    const response = await fetch(`${baseUrl}/oauth.token.v1.TokenService/GetToken?${query}`);
    expect(response.status).toBe(405);
  });

  test("tells nothing of a bug", async () => {
    const { post, lines } = await start({
      getToken: async () => {
        throw new DOMException("s3cret", "TimeoutError");
      },
    });
    const response = await post("GetToken", '{"platform":"github"}', { "x-request-id": "r-1" });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ code: "internal", message: "internal error" });
    expect(lines()).toMatchObject([{ level: "error", code: "INTERNAL", requestId: "r-1" }]);
    expect(JSON.stringify(lines())).not.toContain("s3cret");
  });

  test("tells the use case who asks and how long they wait", async () => {
    const calls: Call[] = [];
    const left: number[] = [];
    const getToken: UseCases["getToken"] = async (_request, call) => {
      calls.push(call);
      left.push(call.remainingMs());
      return issuedToken;
    };
    const addressOf = (request: IncomingMessage) => request.headers["x-real-ip"]?.toString();
    const { post } = await start({ getToken }, { addressOf });
    await post("GetToken", '{"platform":"github"}', { "x-request-id": "r-2", "x-real-ip": "::ffff:10.0.0.7" });
    await post("GetToken", '{"platform":"github"}', { "connect-timeout-ms": "3000" });
    const { caller, method, requestId, address } = calls[0]!;
    const asked = { caller, method, requestId, address };
    expect(asked).toEqual({ caller: "anonymous", method: "GetToken", requestId: "r-2", address: "10.0.0.7" });
    expect(left[0]).toBeGreaterThan(9_000);
    expect(left[1]).toBeLessThanOrEqual(3_000);
    expect(left[1]).toBeGreaterThan(2_000);
  });
});
