import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Client } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { connectHandler } from "../../src/rpc/connect/connect-handler.ts";
import { createHealthStatus } from "../../src/rpc/grpc/health-status.ts";
import { type GrpcListener, listenGrpc } from "../../src/rpc/grpc/listen-grpc.ts";
import { createJsonCalls } from "../../src/rpc/json/create-json-calls.ts";
import { openTestStorage } from "../support/domain.ts";
import { connectClient, firstOfStream, readRefusal, unary } from "../support/grpc-client.ts";
import { callers } from "./cast.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
let server: Server;
let grpc: GrpcListener;
let client: Client;
let closeStorage: () => Promise<void>;

beforeAll(async () => {
  const opened = await openTestStorage();
  closeStorage = opened.close;
  stage = await openStage(opened.storage, callers);
  const connect = connectHandler(stage.doors);
  server = createServer((request, response) => connect(request, response, () => response.end())).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  grpc = await listenGrpc({ ...stage.doors, host: "127.0.0.1", port: 0, health: createHealthStatus() });
  client = connectClient("oauth.token.v1.TokenService", grpc.port);
});
afterAll(async () => {
  client.close();
  await grpc.close(0);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await closeStorage();
});

/** How a call ended: `answered`, or why not. */
type Ask = (rpc: string, request: JsonObject, authorization: string | undefined) => Promise<string>;

const isStream = (rpc: string) =>
  TokenService.methods.some(({ name, methodKind }) => name === rpc && methodKind === "server_streaming");

async function askStream(baseUrl: string, authorization: string | undefined): Promise<string> {
  const client = createClient(TokenService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  const headers = authorization === undefined ? {} : { authorization };
  try {
    for await (const _ of client.watchInstallations({}, { headers })) break;
    return "answered";
  } catch (error) {
    return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
  }
}

const doors: { readonly door: string; readonly rpcs: readonly string[]; readonly ask: Ask }[] = [
  {
    door: "gRPC",
    rpcs: Object.values(TokenService.method).map(({ name }) => name),
    async ask(rpc, request, authorization) {
      const metadata = authorization === undefined ? {} : { authorization };
      const { error } = isStream(rpc)
        ? await firstOfStream(client, rpc, request, metadata)
        : await unary(client, rpc, request, { metadata });
      return error === undefined ? "answered" : readRefusal(error).reason;
    },
  },
  {
    door: "Connect",
    rpcs: Object.values(TokenService.method).map(({ name }) => name),
    async ask(rpc, request, authorization) {
      const { port } = server.address() as AddressInfo;
      if (isStream(rpc)) return askStream(`http://127.0.0.1:${port}`, authorization);
      const response = await fetch(`http://127.0.0.1:${port}/oauth.token.v1.TokenService/${rpc}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(authorization && { authorization }) },
        body: JSON.stringify(request),
      });
      if (response.ok) return "answered";
      const { details } = (await response.json()) as {
        details: { type: string; debug?: { reason: string }; value: string }[];
      };
      const info = details.find(({ type }) => type === "google.rpc.ErrorInfo");
      return /[A-Z]+(_[A-Z]+)+/.exec(Buffer.from(info?.value ?? "", "base64").toString("latin1"))?.[0] ?? "";
    },
  },
  {
    door: "REST",
    rpcs: ["GetToken", "ListInstallations", "GetInstallation", "RevokeInstallation"],
    async ask(rpc, request, authorization) {
      const calls = createJsonCalls(stage.doors);
      const name = `${rpc[0]!.toLowerCase()}${rpc.slice(1)}` as keyof typeof calls;
      const nobody = { address: undefined, requestId: undefined, traceparent: undefined, certificateNames: [] };
      const { status, body } = await calls[name](request, { ...nobody, authorization });
      return status === 200 ? "answered" : String((body.error as JsonObject).reason);
    },
  },
];

describe.each(doors)("$door", ({ rpcs, ask }) => {
  test.each(rpcs)("%s is for callers who prove it and may", async (rpc) => {
    expect(await ask(rpc, {}, undefined)).toBe("CALLER_UNAUTHENTICATED");
    expect(await ask(rpc, {}, "Bearer ots_x")).toBe("CALLER_UNAUTHENTICATED");
    expect(await ask(rpc, {}, stage.proofOf("none"))).toBe("CALLER_NOT_ALLOWED");
  });

  test("knows callers apart", async () => {
    const acme = { installation_id: stage.idOf("gh-acme-1") };
    const beta = { installation_id: stage.idOf("gh-beta") };
    const proof = stage.proofOf("github-of-acme");
    expect(await ask("GetToken", acme, proof)).toBe("answered");
    expect(await ask("GetToken", beta, proof)).toBe("INSTALLATION_NOT_FOUND");
    expect(await ask("GetToken", { platform: "github", owner: "beta" }, proof)).toBe("CALLER_NOT_ALLOWED");
    expect(await ask("GetToken", beta, stage.proofOf("two-owners"))).toBe("answered");
    expect(await ask("RevokeInstallation", beta, proof)).toBe("INSTALLATION_NOT_FOUND");
    expect(await ask("RevokeInstallation", acme, stage.proofOf("lists-only"))).toBe("CALLER_NOT_ALLOWED");
  });
});
