import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { isStreamName, type RpcName, rpcNames } from "../../src/rpc/rpc-names.ts";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { bytesOf, placeholder } from "./support/messages.ts";
import { mutated } from "./support/mutations.ts";
import { grpcFrame, openSession, sendGrpc } from "./support/raw-grpc.ts";
import { expectGrpcAnswer } from "./support/refusals.ts";

const fuzzed = useFuzzedService();

/** A method with the bytes of a message for it. */
function forAny(bytes: (name: RpcName) => fc.Arbitrary<Buffer>): fc.Arbitrary<readonly [RpcName, Buffer]> {
  return fc.constantFrom(...rpcNames).chain((name) => fc.tuple(fc.constant(name), bytes(name)));
}

const anyBytes = () => fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const anyMessage = (name: RpcName) => bytesOf(TokenService.method[name].input);

async function ask([name, message]: readonly [RpcName, Buffer]): Promise<void> {
  const path = `/oauth.token.v1.TokenService/${TokenService.method[name].name}`;
  // What everything else here asks for is never revoked.
  const body = name === "revokeInstallation" ? message : withLive(message);
  if (isStreamName(name)) return watch(path, body);
  expectGrpcAnswer(fuzzed.keep(await sendGrpc(await fuzzed.session(), path, grpcFrame(body))));
}

/** Has a connection of its own: one that cancels as many as are tried here is cut. */
async function watch(path: string, body: Buffer): Promise<void> {
  const session = await openSession(fuzzed.ports.grpc);
  const reply = fuzzed.keep(await sendGrpc(session, path, grpcFrame(body), {}, { stays: true }));
  session.destroy();
  // A stream that has begun has said nothing wrong.
  if (reply.grpcStatus === undefined) expect(reply.httpStatus).toBe(200);
  else expectGrpcAnswer(reply);
}

function withLive(message: Buffer): Buffer {
  return Buffer.from(message.toString("latin1").replaceAll(placeholder, fuzzed.installationId), "latin1");
}

test("any bytes for any method", async () => {
  await fc.assert(fc.asyncProperty(forAny(anyBytes), ask), within(4));
});

test("messages with any values", async () => {
  await fc.assert(fc.asyncProperty(forAny(anyMessage), ask), within(6));
});

test("messages that were damaged on the way", async () => {
  await fc.assert(
    fc.asyncProperty(
      forAny((name) => mutated(anyMessage(name))),
      ask,
    ),
    within(6),
  );
});

test("an unknown method or service, whatever it is called", async () => {
  const service = "/oauth.token.v1.TokenService";
  const paths = fc.oneof(
    fc.constantFrom("/", "//", service, `${service}/`, "/__proto__/constructor", `${service}/constructor`),
    fc.string({ unit: fc.constantFrom(..."abcXYZ019/._-~%$()"), maxLength: 60 }).map((text) => `/${text}`),
    fc.constantFrom("getToken", "GetToken ", "GetToken/", "GetToken%20", "\u00e9").map((text) => `${service}/${text}`),
  );
  await fc.assert(
    fc.asyncProperty(paths, async (path) => {
      const { grpcStatus } = fuzzed.keep(await sendGrpc(await fuzzed.session(), path, grpcFrame(Buffer.alloc(0))));
      // No path at all for HTTP/2: the stream is reset.
      expect(grpcStatus ?? 12).toBe(12);
    }),
    within(3),
  );
});
