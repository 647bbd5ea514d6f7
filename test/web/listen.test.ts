import { Agent, get, type IncomingMessage, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { listen } from "../../src/web/listen.ts";
import { ask, askRaw } from "./support/http.ts";

const loopback = { host: "127.0.0.1", port: 0 };

test("listens on a port of the system's choice, and says so when it cannot", async () => {
  const first = await listen((_request, response) => void response.end("here"), loopback);
  expect((await ask(first.port, "/")).text).toBe("here");
  await expect(listen(() => {}, { ...loopback, port: first.port })).rejects.toThrow("EADDRINUSE");
  await first.close(0);
  await expect(ask(first.port, "/")).rejects.toThrow("ECONNREFUSED");
});

test("closing lets a request finish and hangs up on everybody else at once", async () => {
  const arrived = createGate();
  const finish = createGate();
  const listener = await listen(async (request, response) => {
    if (request.url === "/slow") {
      arrived.open();
      await finish.opened;
    }
    response.end(request.url);
  }, loopback);
  const agent = new Agent({ keepAlive: true });
  await answer(listener.port, "/quick", agent);
  const silent = connect(listener.port, "127.0.0.1");
  await new Promise((resolve) => silent.once("connect", resolve));
  const slow = askRaw(listener.port, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await arrived.opened;
  let closed = false;
  const closing = listener.close(60_000).then(() => {
    closed = true;
  });
  const idle = Object.values(agent.freeSockets).flat()[0];
  await Promise.all([hungUp(silent), idle && hungUp(idle)]);
  expect(closed).toBe(false);
  await expect(ask(listener.port, "/late")).rejects.toThrow("ECONNREFUSED");
  finish.open();
  expect(await slow).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n\/slow$/);
  await closing;
});

test("closing gives up on a request after the grace, and twice is as good as once", async () => {
  const arrived = createGate();
  const listener = await listen(() => arrived.open(), loopback);
  const stuck = ask(listener.port, "/").catch((error: Error) => error.message);
  await arrived.opened;
  await Promise.all([listener.close(20), listener.close(60_000)]);
  expect(await stuck).toBe("socket hang up");
});

test("headers that come too slowly are answered with 408", async () => {
  const listener = await listen(echo, { ...loopback, headersTimeoutMs: 100, requestTimeoutMs: 60_000 });
  expect(await askRaw(listener.port, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")).toMatch(/^HTTP\/1\.1 408 /);
  await listener.close(0);
});

test("a body that comes too slowly is answered with 408", async () => {
  const listener = await listen(echo, { ...loopback, headersTimeoutMs: 100, requestTimeoutMs: 200 });
  const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n1";
  expect(await askRaw(listener.port, head)).toMatch(/^HTTP\/1\.1 408 /);
  await listener.close(0);
});

test("an answer that nobody reads does not keep its connection for good", { timeout: 5_000 }, async () => {
  const ended = createGate();
  const listener = await listen(
    ({ socket }, response) => {
      socket.once("close", () => ended.open());
      response.end(Buffer.alloc(32 * 1024 * 1024));
    },
    { ...loopback, silenceTimeoutMs: 200 },
  );
  const reader = connect(listener.port, "127.0.0.1");
  onTestFinished(() => void reader.destroy());
  reader.on("error", () => undefined);
  reader.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((resolve) => reader.once("readable", resolve));
  // Not read any further, and not by closing, which would end it as well.
  await ended.opened;
  await listener.close(0);
});

const echo: RequestListener = (request, response) => void request.resume().once("end", () => response.end("read"));

function answer(port: number, path: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent }, (incoming: IncomingMessage) => {
      incoming.resume().once("end", () => setImmediate(resolve));
    }).once("error", reject);
  });
}

function hungUp(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve(undefined);
    else socket.resume().once("close", resolve);
  });
}
