import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { Client, credentials, Server, type ServerUnaryCall, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { createGate } from "../../rig/gate.ts";
import { createTestWorld } from "../../rig/world.ts";
import { createPeerNames } from "../../src/rpc/grpc/peer-names.ts";
import { createServerCredentials } from "../../src/rpc/grpc/server-credentials.ts";
import { type CertificateStore, openCertificates } from "../../src/tls/certificate-store.ts";
import { createAuthority, type TestCertificate } from "../support/certificates.ts";
import { writeTlsFiles } from "../support/tls-files.ts";
import { useGrpc } from "./grpc-server.ts";

const startGrpc = useGrpc();
const authority = createAuthority();
const callers = createAuthority("callers");
const strangers = createAuthority("strangers");
const ownNames = ["DNS:localhost", "IP:127.0.0.1"];
const path = "/test.Names/Get";

/** A gRPC server whose only method answers with the names of the caller's certificate, one per line. */
async function startNames(certificates: CertificateStore, hold: Promise<void> = Promise.resolve()) {
  const server = new Server();
  const namesOf = createPeerNames();
  const asIs = (bytes: Buffer) => bytes;
  const handler = async (call: ServerUnaryCall<Buffer, Buffer>, respond: (e: null, b: Buffer) => void) => {
    if (call.request.length > 0) await hold;
    respond(null, Buffer.from(namesOf(call).join("\n")));
  };
  server.register(path, handler, asIs, asIs, "unary");
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", createServerCredentials(certificates), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  onTestFinished(() => server.forceShutdown());

  return {
    port,
    /** A client that trusts `ca`, and has a certificate or none. */
    client(own?: TestCertificate, ca = authority.cert) {
      const [key, cert] = own === undefined ? [null, null] : [Buffer.from(own.key), Buffer.from(own.cert)];
      const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(ca), key, cert), {
        "grpc.use_local_subchannel_pool": 1,
      });
      onTestFinished(() => client.close());
      return (request = ""): Promise<readonly string[]> =>
        new Promise((resolve, reject) =>
          client.makeUnaryRequest(path, asIs, asIs, Buffer.from(request), (error, answer) => {
            if (error !== null) reject(error);
            else resolve(answer?.length ? answer.toString().split("\n") : []);
          }),
        );
    },
  };
}

async function open(clientCa?: string) {
  const world = createTestWorld();
  const { files, write } = await writeTlsFiles(authority.issue(ownNames), clientCa);
  const certificates = await openCertificates(files, world.log);
  return { world, certificates, write };
}

/** A TLS connection, once it is up; fails with what the handshake fails with. */
async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: "localhost", ca: authority.cert, ALPNProtocols: ["h2"], ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

function events(lines: readonly string[]): readonly string[] {
  return lines.map((line) => JSON.parse(line).event).filter((event) => event.startsWith("tls."));
}

describe("TLS on the gRPC listener", () => {
  test("is HTTP/2 by ALPN, from TLS 1.2 on, and nothing else", async () => {
    const { certificates } = await open();
    const { listener } = await startGrpc({}, { certificates });
    const socket = await handshake(listener.port, { maxVersion: "TLSv1.2" });
    expect([socket.alpnProtocol, socket.getProtocol()]).toEqual(["h2", "TLSv1.2"]);
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await expect(handshake(listener.port, old)).rejects.toThrow(/protocol version/i);
    await expect(handshake(listener.port, { ALPNProtocols: ["http/1.1"] })).rejects.toThrow();
  });

  test("answers nobody who speaks without it", async () => {
    const { certificates } = await open();
    const { listener } = await startGrpc({}, { certificates });
    const session = connectHttp2(`http://127.0.0.1:${listener.port}`);
    session.on("error", () => undefined);
    const request = session.request({ ":path": "/grpc.health.v1.Health/Check", ":method": "POST" });
    let answered = false;
    request.on("response", () => {
      answered = true;
    });
    request.on("error", () => undefined);
    await once(session, "close");
    expect(answered).toBe(false);
  });

  test("a peer that reads nothing does not keep the listener from closing", async () => {
    const { certificates } = await open();
    const { listener } = await startGrpc({}, { certificates });
    await handshake(listener.port, {});
    await listener.close(0);
  });

  test("an aged connection is asked to come again", async () => {
    const { certificates } = await open();
    const { listener } = await startGrpc({}, { certificates, maxConnectionAgeMs: 100 });
    const session = connectHttp2(`https://localhost:${listener.port}`, { ca: authority.cert });
    const [code] = await once(session, "goaway");
    expect(code).toBe(0);
    await once(session, "close");
  });
});

describe("client certificates", () => {
  const spiffe = callers.issue(["URI:spiffe://example.org/ns/web/sa/dashboard", "DNS:dashboard.internal"]);

  test("are asked for, and required of nobody", async () => {
    const { certificates } = await open(callers.cert);
    const { client } = await startNames(certificates);
    expect(await client()()).toEqual([]);
    const asked = client(spiffe);
    const names = ["URI:spiffe://example.org/ns/web/sa/dashboard", "DNS:dashboard.internal"];
    expect(await asked()).toEqual(names);
    expect(await asked()).toEqual(names);
  });

  test.each([
    ["of another authority", strangers.issue(["URI:spiffe://example.org/ns/web/sa/dashboard"])],
    ["of an authority of the same name", createAuthority("callers").issue(["URI:spiffe://example.org/ns/web"])],
    ["of the server's own authority", authority.issue(["URI:spiffe://example.org/ns/web/sa/dashboard"])],
    ["that has ended", callers.issue(["URI:spiffe://a"], { from: new Date(0), to: new Date(1_000_000_000_000) })],
    ["that has not begun", callers.issue(["URI:spiffe://a"], { from: new Date(Date.now() + 3_600_000) })],
    ["without names", callers.issue([])],
  ])("%s give no name", async (_what, own) => {
    const { certificates } = await open(callers.cert);
    const { client } = await startNames(certificates);
    // A signature that is wrong ends some connections.
    const refused = (error: ServiceError) => [status[error.code]];
    expect([[], ["UNAVAILABLE"]]).toContainEqual(await client(own)().catch(refused));
  });

  test("are not looked at where no authority is configured", async () => {
    const { certificates } = await open();
    const { client } = await startNames(certificates);
    expect(await client(spiffe)()).toEqual([]);
  });
});

describe("changed files", () => {
  test("serve new connections, while calls on old ones go on", async () => {
    const { certificates, write, world } = await open(callers.cert);
    const hold = createGate();
    const { client, port } = await startNames(certificates, hold.opened);
    const caller = client(callers.issue(["URI:spiffe://a"]));
    await caller();
    const running = caller("hold");
    const next = authority.issue(ownNames);
    await write({ server: next });
    await certificates.reload();
    const socket = await handshake(port, {});
    expect(socket.getPeerX509Certificate()?.toString()).toBe(next.cert);
    hold.open();
    expect(await running).toEqual(["URI:spiffe://a"]);
    expect(events(world.lines)).toEqual(["tls.loaded", "tls.reloaded"]);
  });

  test("take their names from callers of an authority that is gone, also with a session of before", async () => {
    const { certificates, write } = await open(callers.cert);
    const { client, port } = await startNames(certificates);
    const old = callers.issue(["URI:spiffe://a"]);
    const first = await handshake(port, { cert: old.cert, key: old.key, maxVersion: "TLSv1.2" });
    const session = first.getSession();
    await write({ clientCa: strangers.cert });
    await certificates.reload();
    expect(await client(old)()).toEqual([]);
    expect(await client(strangers.issue(["URI:spiffe://b"]))()).toEqual(["URI:spiffe://b"]);
    const resumed = await handshake(port, { cert: old.cert, key: old.key, maxVersion: "TLSv1.2", session });
    expect(resumed.isSessionReused()).toBe(false);
  });

  test("that are broken are reported once, and the last good ones stay", async () => {
    const { certificates, write, world } = await open(callers.cert);
    const { client } = await startNames(certificates);
    await write({ server: { ...authority.issue(ownNames), key: authority.issue([]).key } });
    for (let times = 0; times < 3; times++) await certificates.reload();
    expect(await client()()).toEqual([]);
    await write({ clientCa: "no certificate" });
    await certificates.reload();
    expect(await client(callers.issue(["URI:spiffe://a"]))()).toEqual(["URI:spiffe://a"]);
    expect(events(world.lines)).toEqual(["tls.loaded", "tls.not_reloaded", "tls.not_reloaded"]);
    expect(world.lines.join()).not.toContain("PRIVATE KEY");
    const next = authority.issue(ownNames);
    await write({ server: next, clientCa: callers.cert });
    await certificates.reload();
    expect(certificates.current.cert).toBe(next.cert);
    expect(events(world.lines).at(-1)).toBe("tls.reloaded");
  });
});

test("certificates that cannot be used are refused by name at the start", async () => {
  const { log } = createTestWorld();
  const { files } = await writeTlsFiles({ ...authority.issue(ownNames), key: "no key" });
  await expect(openCertificates(files, log)).rejects.toThrow(`${files.key} holds no PEM private key`);
  const gone = { ...files, cert: `${files.cert}.gone` };
  await expect(openCertificates(gone, log)).rejects.toThrow(`${gone.cert} cannot be read (ENOENT)`);
});
