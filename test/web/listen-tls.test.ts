import { once } from "node:events";
import { Agent, request } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { createTestWorld } from "../../rig/world.ts";
import { createCertificateNames } from "../../src/tls/certificate-names.ts";
import { openCertificates } from "../../src/tls/certificate-store.ts";
import { listen } from "../../src/web/listen.ts";
import { createAuthority, type TestCertificate } from "../support/certificates.ts";
import { writeTlsFiles } from "../support/tls-files.ts";
import { askRaw } from "./support/http.ts";

const authority = createAuthority();
const callers = createAuthority("callers");
const ownNames = ["DNS:localhost"];

/** Answers with the caller's names; `/slow` once `release` is opened. */
async function start(options: { readonly maxConnectionAgeMs?: number } = {}) {
  const { log } = createTestWorld();
  const { files, write } = await writeTlsFiles(authority.issue(ownNames), callers.cert);
  const certificates = await openCertificates(files, log);
  const namesOf = createCertificateNames();
  const arrived = createGate();
  const release = createGate();
  const listener = await listen(
    async (incoming, response) => {
      if (incoming.url === "/slow") {
        arrived.open();
        await release.opened;
      }
      response.end(namesOf(incoming.socket).join());
    },
    { host: "127.0.0.1", port: 0, certificates, ...options },
  );
  onTestFinished(() => listener.close(0));
  return { listener, certificates, write, arrived, release };
}

interface Answer {
  readonly text: string;
  readonly connection: string | undefined;
}

function ask(port: number, own?: TestCertificate, path = "/", agent?: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const to = { host: "localhost", port, path, ca: authority.cert, ...own, ...(agent === undefined ? {} : { agent }) };
    request(to, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      incoming.once("end", () => setImmediate(resolve, { text, connection: incoming.headers.connection }));
    })
      .once("error", reject)
      .end();
  });
}

async function handshake(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: "localhost", ca: authority.cert });
  await once(socket, "secureConnect");
  return socket.resume();
}

function hungUp(socket: Socket): Promise<unknown> {
  return socket.closed ? Promise.resolve() : once(socket.resume(), "close");
}

test("knows the callers whose certificate it verified, and serves the others without a name", async () => {
  const { listener } = await start();
  const names = ["URI:spiffe://example.org/web", "DNS:web.internal"];
  expect((await ask(listener.port, callers.issue(names))).text).toBe(names.join());
  expect((await ask(listener.port)).text).toBe("");
  expect((await ask(listener.port, authority.issue(names))).text).toBe("");
});

test("says nothing without TLS", async () => {
  const { listener } = await start();
  expect(await askRaw(listener.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).not.toContain("HTTP/1.1 200");
});

test("new certificates serve new connections, while requests on old ones go on", async () => {
  const { listener, certificates, write, arrived, release } = await start();
  const slow = ask(listener.port, callers.issue(["DNS:a"]), "/slow");
  await arrived.opened;
  const next = authority.issue(ownNames);
  const others = createAuthority("others");
  await write({ server: next, clientCa: others.cert });
  await certificates.reload();
  const socket = await handshake(listener.port);
  expect(socket.getPeerX509Certificate()?.toString()).toBe(next.cert);
  expect((await ask(listener.port, callers.issue(["DNS:a"]))).text).toBe("");
  expect((await ask(listener.port, others.issue(["DNS:b"]))).text).toBe("DNS:b");
  release.open();
  expect((await slow).text).toBe("DNS:a");
  socket.destroy();
});

test("an aged connection ends with its next answer", async () => {
  const { listener } = await start({ maxConnectionAgeMs: 0 });
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  expect((await ask(listener.port, undefined, "/", agent)).connection).toBe("close");
});

test("closing lets a request finish and hangs up on everybody else", async () => {
  const { listener, arrived, release } = await start();
  const idle = await handshake(listener.port);
  const slow = ask(listener.port, undefined, "/slow");
  await arrived.opened;
  const closing = listener.close(60_000);
  await hungUp(idle);
  release.open();
  await slow;
  await closing;
});

test("closing does not wait longer than its grace for a handshake", async () => {
  const [{ listener }, other] = [await start(), await start()];
  // Its handshake is given up before that of the one below would be.
  const patient = connectTcp(other.listener.port, "127.0.0.1").resume();
  await once(patient, "connect");
  const silent = connectTcp(listener.port, "127.0.0.1").resume();
  await once(silent, "connect");
  await ask(listener.port);
  await Promise.all([listener.close(20), hungUp(silent)]);
  expect(patient.closed).toBe(false);
  patient.destroy();
});
