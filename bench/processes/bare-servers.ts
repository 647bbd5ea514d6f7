import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import express from "express";
import type { BareAnswers } from "../load/bare-servers.ts";
import { getTokenPath } from "../requests.ts";

// The floors, in a process of their own: servers as one writes them that has nothing to do but to answer the same bytes
// again and again.

process.on("message", ({ grpc, http }: BareAnswers) => {
  Promise.all([serveGrpc(grpc), serveHttp(http), serveExpress()]).then(
    ([grpcPort, httpPort, expressPort]) => process.send?.({ grpcPort, httpPort, expressPort }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : "unknown" }),
  );
});
process.on("disconnect", () => process.exit());

function serveGrpc(answer: Buffer): Promise<number> {
  // What nobody reads is not counted: that would be a dearer floor.
  const server = new Server({ "grpc.enable_channelz": 0 });
  const asIs = (bytes: Buffer) => bytes;
  server.register(
    getTokenPath,
    (_call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => respond(null, answer),
    asIs,
    asIs,
    "unary",
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

function serveHttp(answer: Buffer): Promise<number> {
  return listening(
    createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": answer.length });
      response.end(answer);
    }),
  );
}

function serveExpress(): Promise<number> {
  const app = express();
  app.get("/ok", (_request, response) => {
    response.send("ok");
  });
  return listening(createServer(app));
}

function listening(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
