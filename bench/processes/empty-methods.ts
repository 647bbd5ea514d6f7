import { createServer } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Empty, EmptySchema } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { Server, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { registry } from "../../src/platforms/registry.ts";
import { createCertificateNames } from "../../src/tls/certificate-names.ts";
import { createClientAddress } from "../../src/web/client-address.ts";
import { createInternalApp } from "../../src/web/internal/internal-app.ts";
import { createLogger } from "../../src/world/logger.ts";
import { emptyPath } from "../requests.ts";

// Loaded into the service's own process before it, so that what is compared shares process, heap,
// garbage collection and moment: the very gRPC server the service listens with gets one empty method more, and a
// second internal listener answers GetToken with nothing.

const { bindAsync } = Server.prototype;
Server.prototype.bindAsync = function (...args) {
  this.register(
    emptyPath,
    (_call: ServerUnaryCall<Empty, Empty>, respond: sendUnaryData<Empty>) => respond(null, empty),
    (message: Empty) => Buffer.from(toBinary(EmptySchema, message)),
    (bytes: Buffer) => fromBinary(EmptySchema, bytes),
    "unary",
  );
  return bindAsync.apply(this, args);
};
const empty = create(EmptySchema);

const connect = connectNodeAdapter({
  routes: (router: ConnectRouter) => router.service(TokenService, { getToken: () => ({}) }),
  grpc: false,
  readMaxBytes: 64 * 1024,
  acceptCompression: [compressionGzip, compressionBrotli],
  jsonOptions: { ignoreUnknownFields: false },
});
const notServed = () => Promise.reject(new Error("not served here"));
const app = createInternalApp({
  now: () => new Date(),
  random: (bytes) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))),
  log: createLogger(process.env.LOG_LEVEL ?? "info", registry.redact),
  connect,
  calls: { getToken: notServed, listInstallations: notServed, revokeInstallation: notServed },
  readHealth: notServed,
  addressOf: createClientAddress([]),
  certificateNamesOf: createCertificateNames(),
  admitToMetrics: notServed,
  anyHost: false,
});
const server = createServer({ keepAliveTimeout: 75_000 }, app);
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  say({ event: "bench.empty_methods", port: typeof address === "object" ? address?.port : undefined });
});
server.unref();

process.on("SIGUSR2", () => {
  globalThis.gc?.();
  globalThis.gc?.();
  say({ event: "bench.memory", ...process.memoryUsage() });
});

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
