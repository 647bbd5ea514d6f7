import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { openCertificates } from "../../src/tls/certificate-store.ts";
import { listen } from "../../src/web/listen.ts";
import { createAuthority } from "../support/certificates.ts";
import { unary } from "../support/grpc-client.ts";
import { writeTlsFiles } from "../support/tls-files.ts";
import { fakeUseCases } from "./fake-use-cases.ts";
import { useGrpc } from "./grpc-server.ts";

const startGrpc = useGrpc();
const authority = createAuthority();
const serving = authority.issue(["DNS:localhost", "IP:127.0.0.1"]);

const tokenPath = "/oauth.token.v1.TokenService/GetToken";
const watchPath = "/grpc.health.v1.Health/Watch";
const reflectionPath = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/** A frame of five bytes' head that announces more than there is. */
const halfMessage = Buffer.from([0, 0, 0, 0, 9, 1, 2]);
const wholeMessage = Buffer.from([0, 0, 0, 0, 0]);
/** Long enough for a whole request on a machine that has other work. */
const short = { requestMs: 500, questionsMs: 500, callMs: 60_000 };

async function certificates() {
  const { files } = await writeTlsFiles(serving);
  return openCertificates(files, createTestWorld().log);
}

async function open(port: number, tls = false): Promise<ClientHttp2Session> {
  const session = connect(`${tls ? "https" : "http"}://localhost:${port}`, { ca: authority.cert });
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, "remoteSettings");
  return session;
}

function request(session: ClientHttp2Session, path: string, body: Buffer) {
  const stream = session.request({
    ...{ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" },
  });
  stream.on("error", () => undefined);
  stream.write(body);
  return stream;
}

/** Resolves to the code a stream is reset with. */
async function resetOf(stream: ReturnType<typeof request>): Promise<number | undefined> {
  if (!stream.closed) await once(stream.resume(), "close");
  return stream.rstCode;
}

test.each([
  ["a call", tokenPath, halfMessage],
  ["a call that says nothing", tokenPath, Buffer.alloc(0)],
  ["a watch", watchPath, halfMessage],
  ["a description that asks nothing", reflectionPath, halfMessage],
  ["what no method has", "/nobody.Knows/This", halfMessage],
])("%s that is never whole is ended, and its connection serves on", async (_what, path, body) => {
  const { listener } = await startGrpc({}, { patience: short });
  const session = await open(listener.port);
  const half = request(session, path, body);
  expect(await resetOf(half)).toBeTypeOf("number");
  const whole = request(session, tokenPath, wholeMessage);
  whole.end();
  const [headers] = await once(whole, "response");
  expect(headers[":status"]).toBe(200);
});

test("a watch that is whole stays, and so does a call that takes its time", async () => {
  const { listener, client } = await startGrpc(
    {
      getToken: async (asked, call) => {
        // What began later and is not whole ends first: so much time has passed for this one, too.
        await resetOf(request(session, tokenPath, halfMessage));
        return fakeUseCases().getToken(asked, call);
      },
    },
    { patience: short },
  );
  const session = await open(listener.port);
  const watching = request(session, watchPath, wholeMessage);
  watching.end();
  let closed = false;
  watching.resume().once("close", () => {
    closed = true;
  });
  const { response } = await unary(client("oauth.token.v1.TokenService"), "GetToken", { platform: "github" });
  expect(response).toMatchObject({ access_token: "ghs_the-token" });
  expect(closed).toBe(false);
});

test("an answer that nobody reads does not stay for good", async () => {
  const { listener } = await startGrpc({}, { patience: { ...short, callMs: 1_000 } });
  const session = connect(`http://127.0.0.1:${listener.port}`, { settings: { initialWindowSize: 0 } });
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, "remoteSettings");
  const stream = request(session, "/grpc.health.v1.Health/Check", wholeMessage);
  stream.end();
  expect(await resetOf(stream)).toBe(constants.NGHTTP2_CANCEL);
});

test.each([false, true])("a connection that speaks no HTTP/2 is closed (TLS: %s)", async (tls) => {
  const { listener } = await startGrpc({}, { patience: short, certificates: tls ? await certificates() : undefined });
  const socket = tls
    ? connectTls({ port: listener.port, host: "localhost", ca: authority.cert, ALPNProtocols: ["h2"] })
    : connectTcp(listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket.resume(), "close");
});

test("every listener ends what is half sent within seconds, TLS or not", { timeout: 30_000 }, async () => {
  const store = await certificates();
  const startedMs = performance.now();
  const ended: Promise<unknown>[] = [];
  for (const certificatesOf of [undefined, store]) {
    const { listener } = await startGrpc({}, { certificates: certificatesOf });
    const session = await open(listener.port, certificatesOf !== undefined);
    ended.push(...Array.from({ length: 50 }, () => resetOf(request(session, tokenPath, halfMessage))));
    const web = await listen((incoming, response) => void incoming.resume().once("end", () => response.end()), {
      ...{ host: "127.0.0.1", port: 0, certificates: certificatesOf },
    });
    onTestFinished(() => web.close(0));
    const head = "POST /x HTTP/1.1\r\nHost: localhost\r\n";
    for (const half of ["", "POST ", head, `${head}Content-Length: 5\r\n\r\n1`]) {
      const socket = certificatesOf
        ? connectTls({ port: web.port, host: "localhost", ca: authority.cert })
        : connectTcp(web.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(half);
      ended.push(once(socket.resume(), "close"));
    }
  }
  await Promise.all(ended);
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test("a reflection stream takes one of the places that watches have", async () => {
  const { listener } = await startGrpc({}, { streams: { perConnection: 1, inAll: 10 } });
  const session = await open(listener.port);
  request(session, reflectionPath, Buffer.alloc(0));
  const second = request(session, reflectionPath, Buffer.alloc(0));
  const [headers] = await once(second, "response");
  expect(Number(headers["grpc-status"])).toBe(status.RESOURCE_EXHAUSTED);
});
