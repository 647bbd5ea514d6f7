import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Health, HealthCheckRequestSchema } from "../../gen/grpc/health/v1/health_pb.js";
import { ServerReflectionRequestSchema } from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { bytesOf, headerText } from "./support/messages.ts";
import { mutated } from "./support/mutations.ts";
import { grpcFrame, openSession, sendGrpc } from "./support/raw-grpc.ts";
import { sendBytes } from "./support/raw-http.ts";
import { expectTransportAnswer } from "./support/refusals.ts";

const fuzzed = useFuzzedService();
const getToken = "/oauth.token.v1.TokenService/GetToken";
const request = Buffer.from("\x0a\x05slack");

async function send(path: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const stays = path.endsWith("/Watch");
  expectTransportAnswer(fuzzed.keep(await sendGrpc(await fuzzed.session(), path, body, headers, { stays })));
}

test("frames that are cut, too long for their length, too many, or say they are gigabytes", async () => {
  const lengths = fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 1 << 20 }), fc.constantFrom(0x7fff_ffff, 0xffff_ffff));
  const frames = fc.oneof(
    lengths.map((length) => grpcFrame(request, { length })),
    fc.nat({ max: 20 }).map((count) => grpcFrame(request).subarray(0, count)),
    fc.nat({ max: 5 }).map((count) => Buffer.concat(Array<Buffer>(count).fill(grpcFrame(request)))),
    mutated(fc.constant(grpcFrame(request))),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.nat({ max: 200_000 }).map((size) => grpcFrame(Buffer.alloc(size, 0x0a))),
  );
  await fc.assert(
    fc.asyncProperty(frames, (body) => send(getToken, body)),
    within(4),
  );
});

test("compressed messages, with any flag and encoding, bombs among them", async () => {
  const bomb = gzipSync(Buffer.alloc(30_000_000));
  const messages = fc.oneof(
    fc.constantFrom(request, gzipSync(request), deflateSync(request), gzipSync(request).subarray(0, 15), bomb),
    mutated(fc.constantFrom(gzipSync(request), deflateSync(request))),
  );
  const encodings = fc.constantFrom("gzip", "gzip", "deflate", "identity", "br", "snappy", "__proto__", "", "GZIP");
  await fc.assert(
    fc.asyncProperty(messages, fc.constantFrom(1, 1, 0, 2, 255), encodings, (message, flag, encoding) =>
      send(getToken, grpcFrame(message, { flag }), { "grpc-encoding": encoding }),
    ),
    within(4),
  );
});

test("headers with odd values", async () => {
  const timeouts = fc.constantFrom("1S", "0n", "-1S", "99999999H", "999999999S", "1", "S", " 1S", "1S, 2S", "1e3S");
  const types = fc.constantFrom("application/grpc+json", "application/grpc;x", "application/json", "text/html", "");
  const traces = fc.constantFrom("00-0-0-00", `00-${"0".repeat(32)}-${"0".repeat(16)}-00`, `ff-${"a".repeat(600)}`);
  const proofs = fc.constantFrom(
    "Bearer ",
    "Bearer ots_x",
    "Basic Og==",
    "Bearer a.b.c",
    `Bearer ${"x".repeat(9_000)}`,
  );
  const headers = fc.record(
    {
      "grpc-timeout": fc.oneof(timeouts, headerText),
      "content-type": fc.oneof(types, headerText),
      "user-agent": headerText,
      "x-request-id": headerText,
      "x-odd-bin": headerText,
      "grpc-accept-encoding": headerText,
      traceparent: fc.oneof(traces, headerText),
      authorization: fc.oneof(proofs, headerText),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(headers, (odd) => send(getToken, grpcFrame(request), odd)),
    within(4),
  );
});

test("health and reflection with any messages", async () => {
  const health = bytesOf(HealthCheckRequestSchema);
  const reflection = bytesOf(ServerReflectionRequestSchema);
  const asked = fc.oneof(
    ...Object.values(Health.method).map(({ name }) =>
      fc.tuple(fc.constant(`/${Health.typeName}/${name}`), fc.oneof(health, mutated(health))),
    ),
    ...["v1", "v1alpha"].map((version) =>
      fc.tuple(
        fc.constant(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`),
        fc.oneof(reflection, mutated(reflection)),
      ),
    ),
  );
  await fc.assert(
    fc.asyncProperty(asked, ([path, message]) => send(path, grpcFrame(message))),
    within(4),
  );
});

test("connections of which some bytes are no HTTP/2", async () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const settings = Buffer.from("000000040000000000", "hex");
  const frame = fc
    .tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), fc.nat({ max: 5 }), fc.uint8Array({ maxLength: 40 }))
    .map(([type, flags, stream, payload]) =>
      Buffer.concat([Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]), payload]),
    );
  const begun = fc.array(frame, { maxLength: 8 }).map((frames) => Buffer.concat([preface, settings, ...frames]));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map((any) => Buffer.from(any)),
    begun,
    mutated(begun),
    fc
      .constantFrom("GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01", "PRI * HTTP/2.0\r\n")
      .map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const text = await sendBytes(fuzzed.ports.grpc, sent);
      fuzzed.keep({ status: 0, headers: {}, head: "", text, bytes: Buffer.alloc(0) });
    }),
    within(4),
  );
  const session = await openSession(fuzzed.ports.grpc);
  expect(session.destroyed).toBe(false);
  session.destroy();
});
