import { createServer, type Server } from "node:http";
import { connect, constants } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import type { Client, ClientReadableStream, ServiceError as GrpcError } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import express from "express";
import { afterEach, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { Change, TokenService } from "../../gen/oauth/token/v1/token_service_pb.js";
import { createGate, until } from "../../rig/gate.ts";
import { createTestWorld } from "../../rig/world.ts";
import { anonymous, type Caller, createCaller } from "../../src/domain/access/caller.ts";
import type { Rule } from "../../src/domain/access/rule.ts";
import type { AuditEvent } from "../../src/domain/model/audit-event.ts";
import type { FinishedCall } from "../../src/domain/model/telemetry.ts";
import { silentTelemetry } from "../../src/domain/model/telemetry.ts";
import { ServiceError } from "../../src/errors.ts";
import { connectHandler } from "../../src/rpc/connect/connect-handler.ts";
import type { DispatchParts } from "../../src/rpc/dispatch.ts";
import type { UseCases } from "../../src/rpc/methods.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { createDispatchStream } from "../../src/rpc/streams/dispatch-stream.ts";
import { createOpenCalls } from "../../src/rpc/streams/open-calls.ts";
import { type Message, readRefusal } from "../support/grpc-client.ts";
import { fakeUseCases, installation, openDoor, sealer } from "./fake-use-cases.ts";
import { useGrpc } from "./grpc-server.ts";

const startGrpc = useGrpc();
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function startHttp(useCases: Partial<UseCases>, parts: Partial<DispatchParts> = {}): Promise<string> {
  const procedures = createProcedures({ useCases: fakeUseCases(useCases), sealer });
  const app = express();
  app.use(connectHandler({ ...createTestWorld(), ...openDoor, procedures, ...parts }));
  const server = createServer(app).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a client saw of a stream, and how it ended. */
interface Seen {
  readonly changes: string[];
  readonly ended: Promise<{ readonly code: string; readonly reason: string | undefined }>;
  hangUp(): void;
}

type Door = (
  useCases: Partial<UseCases>,
  parts?: Partial<DispatchParts>,
) => Promise<(request?: { platform?: string; resumeToken?: string }) => Seen>;

const overGrpc: Door = async (useCases, parts) => {
  const { client } = await startGrpc(useCases, parts);
  const channel = client("oauth.token.v1.TokenService");
  return ({ platform = "", resumeToken = "" } = {}) => readGrpc(channel, { platform, resume_token: resumeToken });
};

function readGrpc(client: Client, request: Message): Seen {
  const watch = (client as unknown as { watchInstallations(...args: unknown[]): ClientReadableStream<Message> })
    .watchInstallations;
  const stream = watch.call(client, request, new Metadata());
  const changes: string[] = [];
  stream.on("data", ({ change }: Message) => changes.push(String(change).replace("CHANGE_", "")));
  const ended = new Promise<{ code: string; reason: string | undefined }>((resolve) => {
    stream.on("end", () => resolve({ code: "OK", reason: undefined }));
    stream.on("error", (error: GrpcError) => {
      const cancelled = error.code === 1;
      resolve(cancelled ? { code: "CANCELLED", reason: undefined } : readRefusal(error));
    });
  });
  return { changes, ended: ended.then(({ code, reason }) => ({ code, reason })), hangUp: () => stream.cancel() };
}

const overHttp =
  (transport: (baseUrl: string) => Transport): Door =>
  async (useCases, parts) => {
    const client = createClient(TokenService, transport(await startHttp(useCases, parts)));
    return (request = {}) => {
      const changes: string[] = [];
      const hungUp = new AbortController();
      async function read() {
        try {
          const { signal } = hungUp;
          for await (const { change } of client.watchInstallations(request, { signal })) changes.push(Change[change]);
          return { code: "OK", reason: undefined };
        } catch (error) {
          const failure = ConnectError.from(error);
          const { code } = failure;
          const [info] = failure.findDetails(ErrorInfoSchema);
          const name = Code[code]?.replace(/[A-Z]/g, (letter, at) => (at === 0 ? letter : `_${letter}`)).toUpperCase();
          return { code: name === "CANCELED" ? "CANCELLED" : (name ?? ""), reason: info?.reason };
        }
      }
      return { changes, ended: read(), hangUp: () => hungUp.abort() };
    };
  };

const doors: readonly (readonly [string, Door])[] = [
  ["gRPC", overGrpc],
  ["Connect", overHttp((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }))],
  [
    "Connect in JSON",
    overHttp((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false })),
  ],
  ["gRPC-Web", overHttp((baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }))],
];

/** Says one word, and nothing more until it is ended; counts how many are open. */
function waiting() {
  let open = 0;
  const watchInstallations: UseCases["watchInstallations"] = async function* (_filter, _from, _call, signal) {
    open++;
    try {
      yield { kind: "present", installation: installation() };
      await new Promise((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    } finally {
      open--;
    }
  };
  return { watchInstallations, open: () => open };
}

describe.each(doors)("a stream over %s", (_name, door) => {
  test("brings each message as it is made, and ends well", async () => {
    const gate = createGate();
    const ask = await door({
      async *watchInstallations() {
        yield { kind: "present", installation: installation() };
        await gate.opened;
        yield { kind: "synced", place: { sequence: 1, mark: "m" } };
      },
    });
    const { changes, ended } = ask();
    await until(() => changes.length === 1, "the first message is there before the second is made");
    gate.open();
    expect(await ended).toEqual({ code: "OK", reason: undefined });
    expect(changes).toEqual(["PRESENT", "SYNCED"]);
  });

  test("is refused like every call, before its first message and behind it", async () => {
    const ask = await door({
      async *watchInstallations({ platform }) {
        yield { kind: "present", installation: installation() };
        if (platform === "github") throw new Error("a bug with a value: secret");
        throw new ServiceError("SERVICE_UNAVAILABLE", "the database is away");
      },
    });
    expect(await ask({ platform: "x".repeat(65) }).ended).toEqual({
      code: "INVALID_ARGUMENT",
      reason: "INVALID_REQUEST",
    });
    expect(await ask({ resumeToken: "nonsense" }).ended).toMatchObject({ reason: "INVALID_REQUEST" });
    const { changes, ended } = ask();
    expect(await ended).toEqual({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
    expect(changes).toEqual(["PRESENT"]);
  });

  test("ends on our side when its reader hangs up, and counts as cancelled", async () => {
    const { watchInstallations, open } = waiting();
    const finished: FinishedCall[] = [];
    const telemetry = { ...silentTelemetry, callFinished: (call: FinishedCall) => void finished.push(call) };
    const openCalls = createOpenCalls();
    const { changes, ended, hangUp } = (await door({ watchInstallations }, { telemetry, openCalls }))();
    await until(() => changes.length === 1, "it is read");
    expect(openCalls.size).toBe(1);
    hangUp();
    expect(await ended).toMatchObject({ code: "CANCELLED" });
    await until(() => open() === 0 && openCalls.size === 0, "it ends");
    expect(finished).toMatchObject([{ method: "WatchInstallations", caller: "anonymous", code: "CANCELLED" }]);
  });

  test("is cut when the caller's key or right goes, and not while both are there", async () => {
    const { watchInstallations } = waiting();
    const notes: AuditEvent[] = [];
    let caller: Caller | undefined = anonymous;
    const authenticate = () => {
      if (caller === undefined) throw new ServiceError("CALLER_UNAUTHENTICATED", "who are you?");
      return caller;
    };
    const openCalls = createOpenCalls();
    const ask = await door({ watchInstallations }, { authenticate, openCalls, note: (event) => notes.push(event) });
    const begin = async () => {
      caller = anonymous;
      const { changes, ended } = ask();
      await until(() => changes.length === 1, "it is read");
      return { ended };
    };
    const [everything] = anonymous.rules;
    const mayNow = (rule: Partial<Rule>) =>
      createCaller("anonymous", everything ? [{ ...everything, ...rule }] : [], "");

    const withoutKey = await begin();
    await openCalls.check();
    expect(openCalls.size).toBe(1);
    caller = undefined;
    await openCalls.check();
    expect(await withoutKey.ended).toEqual({ code: "UNAUTHENTICATED", reason: "CALLER_UNAUTHENTICATED" });

    const withoutRight = await begin();
    caller = mayNow({ methods: new Set(["GetToken"]) });
    await openCalls.check();
    expect(await withoutRight.ended).toEqual({ code: "PERMISSION_DENIED", reason: "CALLER_NOT_ALLOWED" });

    const withLess = await begin();
    caller = mayNow({ owners: new Set(["acme"]) });
    await openCalls.check();
    expect(await withLess.ended).toEqual({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });

    expect(notes.map(({ kind, method, detail }) => [kind, method, detail])).toEqual([
      ["call.refused", "WatchInstallations", "CALLER_UNAUTHENTICATED"],
      ["call.refused", "WatchInstallations", "CALLER_NOT_ALLOWED"],
    ]);
  });

  test("ends with the replica, and begins at none that ends", async () => {
    const { watchInstallations } = waiting();
    const openCalls = createOpenCalls();
    const ask = await door({ watchInstallations }, { openCalls });
    const { changes, ended } = ask();
    await until(() => changes.length === 1, "it is read");
    openCalls.end();
    expect(await ended).toEqual({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
    expect(await ask().ended).toEqual({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
  });

  test("is one of so many for a caller, and of so many for all", async () => {
    const { watchInstallations, open } = waiting();
    const ask = await door({ watchInstallations }, { openCalls: createOpenCalls({ perCaller: 2, inAll: 3 }) });
    const [first] = [ask(), ask()];
    await until(() => open() === 2, "two are open");
    expect(await ask().ended).toEqual({ code: "RESOURCE_EXHAUSTED", reason: "CALLER_RATE_LIMITED" });
    first?.hangUp();
    await until(() => open() === 1, "one is left");
    const third = ask();
    await until(() => third.changes.length === 1, "there is room again");
  });
});

describe("a reader that takes nothing", () => {
  const endless = (): UseCases["watchInstallations"] =>
    async function* () {
      for (;;) yield { kind: "present", installation: installation({ externalOrgName: "x".repeat(10_000) }) };
    };

  test("makes nothing more, and is cut with UNAVAILABLE over gRPC", async () => {
    let made = 0;
    const counting: UseCases["watchInstallations"] = async function* (...args) {
      for await (const event of endless()(...args)) {
        made++;
        yield event;
      }
    };
    const { listener } = await startGrpc({ watchInstallations: counting }, { readerPatienceMs: 300 });
    const session = connect(`http://127.0.0.1:${listener.port}`);
    const stream = session.request({
      ":method": "POST",
      ":path": "/oauth.token.v1.TokenService/WatchInstallations",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.end(Buffer.alloc(5));
    stream.on("error", () => undefined);
    await new Promise((resolve) => stream.once("close", resolve));
    session.destroy();
    // What gRPC clients take for UNAVAILABLE.
    expect(stream.rstCode).toBe(constants.NGHTTP2_REFUSED_STREAM);
    expect(made).toBeLessThan(100);
  });

  test("loses its connection over HTTP", async () => {
    const openCalls = createOpenCalls();
    const baseUrl = await startHttp({ watchInstallations: endless() }, { readerPatienceMs: 300, openCalls });
    const body = Buffer.from([0, 0, 0, 0, 2, 123, 125]);
    const headers = { "content-type": "application/connect+json", "connect-protocol-version": "1" };
    const response = await fetch(`${baseUrl}/oauth.token.v1.TokenService/WatchInstallations`, {
      ...{ method: "POST", headers, body },
    });
    const reader = response.body?.getReader();
    await reader?.read();
    await until(() => openCalls.size === 1, "it is open");
    await until(() => openCalls.size === 0, "it is cut");
    await expect(
      (async () => {
        for (;;) if ((await reader?.read())?.done) return;
      })(),
    ).rejects.toThrow();
  });
});

test("a stream that cannot be read as a request is told so, with its details", async () => {
  const baseUrl = await startHttp({});
  const content = Buffer.from('{"plattform":"github"}');
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, content.length]), content]);
  const response = await fetch(`${baseUrl}/oauth.token.v1.TokenService/WatchInstallations`, {
    method: "POST",
    headers: { "content-type": "application/connect+json", "connect-protocol-version": "1" },
    body: frame,
  });
  const answer = Buffer.from(await response.arrayBuffer());
  expect(answer.readUInt8(0)).toBe(2);
  const { error } = JSON.parse(answer.toString("utf8", 5));
  expect(error).toMatchObject({ code: "invalid_argument", details: [{ type: "google.rpc.ErrorInfo" }] });
});

test("no promise is left behind by a reader that returns early", async () => {
  const { watchInstallations, open } = waiting();
  const procedures = createProcedures({ useCases: fakeUseCases({ watchInstallations }), sealer });
  const dispatch = createDispatchStream({ ...createTestWorld(), ...openDoor, procedures });
  const codec = { read: (request: never) => request, write: (response: unknown) => response };
  const incoming = {
    ...{ address: undefined, requestId: undefined, traceparent: undefined, timeoutMs: undefined },
    ...{ authorization: undefined, certificateNames: [] },
  };
  const reader = { signal: new AbortController().signal, cut: () => undefined };
  const request = { platform: "", owner: "", resumeToken: "" } as never;
  const stream = dispatch("watchInstallations", codec, request, incoming, reader);
  await stream.next();
  expect(open()).toBe(1);
  await stream.return(undefined);
  expect(open()).toBe(0);
});
