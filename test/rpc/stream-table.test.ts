import { once } from "node:events";
import {
  connect,
  constants,
  createServer,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { keepStreamsIn, StreamTable } from "../../src/rpc/grpc/stream-table.ts";
import { endUnfinishedRequests } from "../../src/rpc/grpc/unfinished-requests.ts";

/** One that is only told apart from others. */
const someStream = () => Object.create(null) as ServerHttp2Stream;

function contents(table: StreamTable): Map<number, ServerHttp2Stream> {
  const found = new Map<number, ServerHttp2Stream>();
  table.forEach((stream, id) => void found.set(id, stream));
  return found;
}

test("it holds what a Map would, whatever comes and goes", () => {
  // Ids of which many want the same place.
  const id = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 8 }).map((n) => n * 64 + 1),
  );
  const step = fc.record({ kind: fc.constantFrom("set", "set", "delete", "get"), id });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const table = new StreamTable();
      const map = new Map<number, ServerHttp2Stream>();
      for (const { kind, id } of steps) {
        const stream = someStream();
        if (kind === "set") expect(table.set(id, stream).get(id)).toBe(map.set(id, stream).get(id));
        else if (kind === "get") expect(table.get(id)).toBe(map.get(id));
        else expect(table.delete(id)).toBe(map.delete(id));
        expect(table.size).toBe(map.size);
      }
      expect(contents(table)).toEqual(map);
      expect(new Set(table.open().map(([stream]) => stream))).toEqual(new Set(map.values()));
    }),
  );
});

test("what leaves while all are visited does not hide another one", () => {
  const table = new StreamTable();
  // All want the same place: what leaves lets others move up.
  const ids = Array.from({ length: 100 }, (_, at) => 512 * at + 1);
  for (const id of ids) table.set(id, someStream());
  const seen: number[] = [];
  table.forEach((_stream, id) => {
    seen.push(id);
    table.delete(id);
  });
  expect(seen.sort((a, b) => a - b)).toEqual(ids);
  expect(table.size).toBe(0);
});

/** A server whose sessions are looked at first, and a client of it. */
async function open(server: Http2Server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on("error", () => undefined);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  return client;
}

test("node:http2 keeps its streams there: this version has its Map where it is looked for", async () => {
  const server = createServer();
  const table = new StreamTable();
  server.once("session", (session) => expect(keepStreamsIn(table, session)).toBe(true));
  const held: ServerHttp2Stream[] = [];
  server.on("stream", (stream) => held.push(stream));
  const client = await open(server);
  const requests = Array.from({ length: 50 }, () => client.request({ ":path": "/" }));
  for (const request of requests) request.on("error", () => undefined);
  while (held.length < requests.length) await once(server, "stream");
  expect([...contents(table).values()]).toEqual(held);

  for (const stream of held.splice(0, 20)) stream.respond({}, { endStream: true });
  await Promise.all(requests.slice(0, 20).map((request) => once(request.resume(), "close")));
  expect([...contents(table).values()]).toEqual(held);

  // The end of a session ends each of them.
  held[0]?.session?.destroy();
  await Promise.all(requests.slice(20).map((request) => request.closed || once(request, "close")));
  expect(table.size).toBe(0);
});

test("a session with another place for its streams is left alone, and looked after all the same", async () => {
  const server = new Server();
  const asIs = (bytes: Buffer) => bytes;
  server.register("/x/Y", () => undefined, asIs, asIs, "unary");
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  onTestFinished(() => server.forceShutdown());
  const [listening] = [...(Reflect.get(server, "http2Servers") as Map<Http2Server, unknown>).keys()];
  const foreign = new StreamTable();
  listening?.prependListener("session", (session: Http2Session) => keepStreamsIn(foreign, session));
  const unfinished = endUnfinishedRequests(server, [], { requestMs: 50, questionsMs: 50, callMs: 60_000 });
  onTestFinished(() => unfinished.close());

  const client = connect(`http://127.0.0.1:${port}`);
  client.on("error", () => undefined);
  onTestFinished(() => client.destroy());
  const half = client.request({ ":method": "POST", ":path": "/x/Y", "content-type": "application/grpc" });
  half.on("error", () => undefined);
  half.write(Buffer.alloc(3));
  await once(half.resume(), "close");
  expect(half.rstCode).toBe(constants.NGHTTP2_CANCEL);
  expect(foreign.size).toBe(0);
});
