import { brotliCompressSync, gzipSync } from "node:zlib";
import { type DescMessage, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { isUnaryName, rpcNames } from "../../src/rpc/rpc-names.ts";
import { refusals } from "../rpc/refusals.ts";
import { useFuzzedService, within } from "./support/fuzzed-service.ts";
import { bytesOf, headerText, messageOf, oddTexts } from "./support/messages.ts";
import { mutated } from "./support/mutations.ts";
import { grpcFrame } from "./support/raw-grpc.ts";
import { type HttpReply, type HttpRequest, sendHttp } from "./support/raw-http.ts";
import { expectOurHeaders } from "./support/refusals.ts";

const fuzzed = useFuzzedService();
const service = "/oauth.token.v1.TokenService/";
const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };

async function send(request: HttpRequest): Promise<HttpReply> {
  const reply = fuzzed.keep(await sendHttp(fuzzed.ports.internal, { method: "POST", ...request }));
  expectOurHeaders(reply);
  return reply;
}

/** A unary answer of the Connect protocol: a message, or an error of the contract's table with its one ErrorInfo. */
function expectConnectAnswer(reply: HttpReply): void {
  if (reply.status === 200) return;
  expect(reply.headers["content-type"]).toBe("application/json");
  const { code, message, details } = JSON.parse(reply.text);
  expect(message).not.toBe("");
  const infos = (details as { type: string; value: string }[]).filter(({ type }) => type === "google.rpc.ErrorInfo");
  expect(infos).toHaveLength(1);
  const info = Buffer.from(infos[0]?.value ?? "", "base64").toString();
  const row = refusals.find(({ reason }) => info.includes(reason));
  expect(code.toUpperCase()).toBe(row?.code);
}

const method = fc.constantFrom(...rpcNames.filter(isUnaryName));

test("JSON that is none of a message's", async () => {
  const deep = fc.nat({ max: 3_000 }).map((depth) => `${'{"github":'.repeat(depth)}{}${"}".repeat(depth)}`);
  const numbers = fc.constantFrom("1e400", "-0", "99999999999999999999999999", "0.1", "1E5", "NaN", "Infinity", "0x1");
  const keys = fc.oneof(
    fc.constantFrom("platform", "min_ttl", "minTtl", "github", "actor", "page_size", "status"),
    fc.constantFrom(...oddTexts),
  );
  const bodies = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 })).map((value) => JSON.stringify(value)),
    fc.tuple(keys, numbers).map(([key, value]) => `{${JSON.stringify(key)}:${value}}`),
    fc
      .tuple(keys, fc.string(), fc.string())
      .map(
        ([key, a, b]) => `{${JSON.stringify(key)}:${JSON.stringify(a)},${JSON.stringify(key)}:${JSON.stringify(b)}}`,
      ),
    deep,
    fc.nat({ max: 30_000 }).map((depth) => "[".repeat(depth)),
    fc.constantFrom(
      '{"__proto__":{"platform":"slack"}}',
      '{"constructor":{"prototype":{"a":1}}}',
      '{"permissions":{"__proto__":"read"}}',
      "",
      " ",
      "null",
      "\ufeff{}",
    ),
  );
  await fc.assert(
    fc.asyncProperty(method, bodies, async (name, body) => {
      const path = service + TokenService.method[name].name;
      expectConnectAnswer(await send({ path, headers: json, body: Buffer.from(body) }));
    }),
    within(5),
  );
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test("JSON and binary messages with any values, whole and damaged", async () => {
  const whole = method.chain((name) => {
    const { input }: { input: DescMessage } = TokenService.method[name];
    const asJson = messageOf(input).map((message) => Buffer.from(textOf(() => JSON.stringify(toJson(input, message)))));
    return fc.oneof(
      fc.tuple(fc.constant(name), fc.constant(json), fc.oneof(asJson, mutated(asJson))),
      fc.tuple(fc.constant(name), fc.constant(proto), fc.oneof(bytesOf(input), mutated(bytesOf(input)))),
    );
  });
  await fc.assert(
    fc.asyncProperty(whole, async ([name, headers, body]) => {
      expectConnectAnswer(await send({ path: service + TokenService.method[name].name, headers, body }));
    }),
    within(5),
  );
});

test("text that is not UTF-8", async () => {
  const bodies = fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map((bytes) => Buffer.concat([Buffer.from('{"owner":"'), bytes, Buffer.from('","platform":"slack"}')]));
  await fc.assert(
    fc.asyncProperty(bodies, async (body) =>
      expectConnectAnswer(await send({ path: `${service}GetToken`, headers: json, body })),
    ),
    within(2),
  );
});

test("other content types, encodings, time-outs, versions and methods", async () => {
  const body = Buffer.from('{"platform":"slack"}');
  const types = fc.constantFrom(
    "application/json",
    "application/proto",
    "application/connect+json",
    "application/connect+proto",
    "application/grpc-web",
    "application/grpc-web-text",
    "application/grpc-web+proto",
    "application/grpc",
    "text/plain",
    "application/json; charset=utf-16",
    "multipart/form-data",
  );
  const headers = fc.record(
    {
      "content-type": fc.oneof(types, headerText),
      "content-encoding": fc.oneof(
        fc.constantFrom("gzip", "br", "identity", "deflate", "zstd", "gzip, gzip", "__proto__"),
        headerText,
      ),
      "accept-encoding": headerText,
      "connect-timeout-ms": fc.oneof(
        fc.constantFrom("0", "1", "-1", "1e3", "99999999999", "9999999999", "x"),
        headerText,
      ),
      "connect-protocol-version": fc.oneof(fc.constantFrom("1", "2"), headerText),
      "grpc-timeout": fc.oneof(fc.constantFrom("1S", "-1S", "x"), headerText),
      traceparent: headerText,
      "x-request-id": headerText,
      authorization: headerText,
      "x-forwarded-for": headerText,
    },
    { requiredKeys: ["content-type"] },
  );
  const bodies = fc.oneof(
    fc.constantFrom(
      body,
      gzipSync(body),
      brotliCompressSync(body),
      gzipSync(Buffer.alloc(20_000_000)),
      Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]),
      Buffer.alloc(100_000, 0x20),
    ),
    mutated(fc.constant(gzipSync(body))),
  );
  const methods = fc.constantFrom(
    "POST",
    "POST",
    "POST",
    "GET",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "HEAD",
    "TRACE",
    "PROPFIND",
  );
  await fc.assert(
    fc.asyncProperty(headers, bodies, methods, async (odd, content, verb) => {
      const reply = await send({ method: verb, path: `${service}GetToken`, headers: odd, body: content });
      if (reply.text !== "" && /^application\/json/.test(String(reply.headers["content-type"]))) JSON.parse(reply.text);
      expect(reply.text).not.toMatch(/grpc-status: ?(?:2|13)\b|"code":"(?:internal|unknown)"/);
    }),
    within(6),
  );
});

test("gRPC-Web with frames of any bytes", async () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((any) => Buffer.from(any));
  const framed = bytes.map((message) => grpcFrame(message));
  const types = fc.constantFrom("application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json");
  await fc.assert(
    fc.asyncProperty(types, fc.oneof(bytes, framed, mutated(framed)), async (type, body) => {
      const reply = await send({ path: `${service}GetToken`, headers: { "content-type": type }, body });
      const [, code] = /grpc-status: ?(\d+)/.exec(`${reply.head}\n${reply.text}`) ?? [];
      const [, details = ""] = /grpc-status-details-bin: ?(\S+)/.exec(`${reply.head}\n${reply.text}`) ?? [];
      // What is no message is refused in our words; wrong framing and compression in those of the protocol.
      expect(["0", "3", "5", "8", "9", "12"]).toContain(code);
      if (code === "3") expect(Buffer.from(details, "base64").toString()).toContain("INVALID_REQUEST");
    }),
    {
      ...within(3),
      examples: [
        ["application/grpc-web", Buffer.from([0, 0, 0, 0, 1, 0])],
        ["application/grpc-web+json", grpcFrame(Buffer.from("\u{10000}"))],
      ],
    },
  );
});

/** Empty for a message that JSON cannot say, such as a duration of too many seconds. */
function textOf(write: () => string): string {
  try {
    return write();
  } catch {
    return "";
  }
}
