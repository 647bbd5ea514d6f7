import { once } from "node:events";
import { type ClientHttp2Session, connect, constants, createServer } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { flags, frame, frameTypes, headerBlock, opening, resetStreams } from "../../rig/http2-bytes.ts";
import { connectClient, unary } from "../support/grpc-client.ts";
import { useGrpc } from "./grpc-server.ts";

const service = "oauth.token.v1.TokenService";
const headers = {
  ":method": "POST",
  ":path": `/${service}/GetToken`,
  "content-type": "application/grpc",
  te: "trailers",
};
const startGrpc = useGrpc();

/** A session that opens streams and resets them for as long as it lives. Resolves to the code of its GOAWAY. */
async function attack(port: number): Promise<number> {
  const session = await open(port);
  const goaway = once(session, "goaway");
  const round = () => {
    if (session.closed || session.destroyed) return;
    for (let streams = 0; streams < 50; streams++) reset(session);
    setImmediate(round);
  };
  round();
  const [code] = await goaway;
  if (!session.destroyed) await once(session, "close");
  return code;
}

async function open(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, "connect");
  return session;
}

function reset(session: ClientHttp2Session): void {
  const stream = session.request(headers);
  stream.on("error", () => undefined);
  stream.close(constants.NGHTTP2_CANCEL);
}

/** A ping there and back: the server has read whatever was sent before. */
function answered(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}

/** The heads of the frames that arrive, one after the other. Rejects at the end of the connection. */
function frameReader(socket: Socket): () => Promise<{ readonly type: number; readonly withFlags: number }> {
  const chunks = socket.iterator({ destroyOnReturn: false });
  let bytes = Buffer.alloc(0);
  return async () => {
    while (bytes.length < 9 || bytes.length < 9 + bytes.readUIntBE(0, 3)) {
      const { value, done } = await chunks.next();
      if (done === true) throw new Error("the connection has ended");
      bytes = Buffer.concat([bytes, value]);
    }
    const [type, withFlags] = [bytes.readUInt8(3), bytes.readUInt8(4)];
    bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
    return { type, withFlags };
  };
}

function events(lines: readonly string[]): readonly string[] {
  return lines.map((line) => JSON.parse(line).event);
}

test("rapid resets end the connections they come from, while a good client gets every answer", async () => {
  const { listener, world } = await startGrpc();
  const client = connectClient(service, listener.port);
  onTestFinished(() => client.close());
  const attackers = Promise.all(Array.from({ length: 4 }, () => attack(listener.port)));
  const answers = Array.from({ length: 300 }, () => unary(client, "GetToken", { platform: "github" }));
  expect(await attackers).toEqual(Array(4).fill(constants.NGHTTP2_ENHANCE_YOUR_CALM));
  expect((await Promise.all(answers)).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(events(world.lines).filter((event) => event === "grpc.too_many_resets")).toHaveLength(4);
});

test("a connection with too many resets is read no more and held for a second, so that it does not come back at once", async () => {
  const { listener } = await startGrpc();
  // In bytes: a client of node:http2 would leave by itself. Each is a stream that is opened and reset.
  const socket = connectTcp(listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(Buffer.concat([opening, resetStreams(headers[":path"], 1, 300)]));
  const [said] = await once(socket, "data");
  expect(said.length).toBeGreaterThan(0);
  const cutMs = performance.now();
  // More than its buffers and the system's hold.
  const more = resetStreams(headers[":path"], 1_001, 400_000);
  let read = false;
  socket.write(more, (error) => {
    read = error === null || error === undefined;
  });
  await new Promise((closed) => socket.resume().once("close", closed));
  expect(performance.now() - cutMs).toBeGreaterThan(900);
  expect(read).toBe(false);
});

test("resets that say that there is no error are resets", async () => {
  const { listener, world } = await startGrpc();
  const socket = connectTcp(listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const cutMs = performance.now();
  socket.write(Buffer.concat([opening, resetStreams(headers[":path"], 1, 300, constants.NGHTTP2_NO_ERROR)]));
  await new Promise((closed) => socket.resume().once("close", closed));
  expect(performance.now() - cutMs).toBeGreaterThan(900);
  expect(events(world.lines)).toEqual(["grpc.too_many_resets"]);
});

test("a client that gives up on a hundred calls at once keeps its connection", async () => {
  const { listener } = await startGrpc({ getToken: () => new Promise(() => undefined) });
  const session = await open(listener.port);
  for (let calls = 0; calls < 100; calls++) reset(session);
  await answered(session);
  expect(session.closed).toBe(false);
});

test("refusals of ours are no resets of the client's", async () => {
  const { listener, world } = await startGrpc({}, { maxRequestBytes: 1024 });
  const client = connectClient(service, listener.port);
  onTestFinished(() => client.close());
  const platform = "x".repeat(2_000);
  for (let calls = 0; calls < 150; calls++) {
    const { error } = await unary(client, "GetToken", { platform });
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
  }
  expect(events(world.lines)).not.toContain("grpc.too_many_resets");
});

test("resets that cross with our answers are none of calls", async () => {
  const { listener } = await startGrpc();
  const socket = connectTcp(listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  const hear = frameReader(socket);
  const block = headerBlock(headers[":path"], undefined);
  const { data, headers: head, resetStream, goAway } = frameTypes;
  socket.write(opening);
  // Twice ninety calls that run out of time here as they do there, and a last one, which only an open connection answers.
  for (const [first, length] of [
    [1, 90],
    [201, 90],
    [401, 1],
  ] as const) {
    const ids = Array.from({ length }, (_, call) => first + 2 * call);
    const calls = ids.flatMap((id) => [
      frame(head, flags.endHeaders, id, block),
      frame(data, flags.endStream, id, Buffer.alloc(5)),
    ]);
    socket.write(Buffer.concat(calls));
    for (let answered = 0; answered < ids.length; ) {
      const { type, withFlags } = await hear();
      expect(type).not.toBe(goAway);
      if (type === head && (withFlags & flags.endStream) !== 0) answered++;
    }
    const cancel = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);
    socket.write(Buffer.concat(ids.map((id) => frame(resetStream, 0, id, cancel))));
  }
});

test("other HTTP/2 servers of the process are left alone", async () => {
  await startGrpc();
  const other = createServer();
  other.on("stream", (stream) => stream.on("error", () => undefined));
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const address = other.address();
  const session = await open(typeof address === "object" && address !== null ? address.port : 0);
  for (let streams = 0; streams < 500; streams++) {
    const stream = session.request(headers);
    stream.on("error", () => undefined);
    stream.close(constants.NGHTTP2_CANCEL);
  }
  await answered(session);
  expect(session.closed).toBe(false);
  session.destroy();
});

test.each([
  ["too many", Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`x-${n}`, "1"]))],
  ["too large", { "x-large": "x".repeat(17 * 1024) }],
])("headers that are %s are refused, and others are not", async (_what, unwanted) => {
  const { listener } = await startGrpc();
  const session = await open(listener.port);
  // By the answer the server knows that its settings have arrived.
  await answered(session);
  const refused = session.request({ ...headers, ...unwanted });
  const [error] = await once(refused, "error");
  expect(error.code).toBe("ERR_HTTP2_STREAM_ERROR");
  const good = session.request({ ...headers, "x-fine": "x".repeat(4 * 1024) });
  // One gRPC message, which is empty.
  good.end(Buffer.alloc(5));
  const [answer] = await once(good, "response");
  expect(answer[":status"]).toBe(200);
  good.close();
});

test("what is no HTTP/2 is hung up on", async () => {
  const { listener } = await startGrpc();
  const socket = connectTcp(listener.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
  socket.resume();
  await once(socket, "close");
});
