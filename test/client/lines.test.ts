import { createServer } from "node:https";
import { type AddressInfo, connect, createServer as createLine, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import express from "express";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { type Authenticate, anonymous } from "../../src/domain/access/caller.ts";
import { connectHandler } from "../../src/rpc/connect/connect-handler.ts";
import { createProcedures } from "../../src/rpc/procedures.ts";
import { openCertificates } from "../../src/tls/certificate-store.ts";
import { fakeUseCases, openDoor, sealer } from "../rpc/fake-use-cases.ts";
import { useGrpc } from "../rpc/grpc-server.ts";
import { createAuthority } from "../support/certificates.ts";
import { writeTlsFiles } from "../support/tls-files.ts";
import { doors, issue, openClient, openDoors } from "./support/doors.ts";

const startGrpc = useGrpc();
const authority = createAuthority();
const callers = createAuthority("callers");
const own = callers.issue(["DNS:dashboard.internal"]);
const credentials = { certificate: own.cert, key: own.key };
const tls = { ca: authority.cert };

afterEach(() => void vi.unstubAllEnvs());

/** A door that takes TLS alone, and the names of the certificates that were shown to it. */
async function openTls(door: (typeof doors)[number]): Promise<{ address: string; names: (string | undefined)[] }> {
  const names: (string | undefined)[] = [];
  const issued = authority.issue(["DNS:localhost"]);
  const useCases = { getToken: async () => issue() };
  if (door === "grpc") {
    const { files } = await writeTlsFiles(issued, callers.cert);
    const certificates = await openCertificates(files, createTestWorld().log);
    const authenticate: Authenticate = ({ certificateNames }) => {
      names.push(certificateNames[0]);
      return anonymous;
    };
    const { listener } = await startGrpc(useCases, { certificates, authenticate });
    return { address: `localhost:${listener.port}`, names };
  }
  const app = express();
  app.use((request, _response, next) => {
    const { subjectaltname } = (request.socket as TLSSocket).getPeerCertificate();
    names.push(subjectaltname);
    next();
  });
  const procedures = createProcedures({ useCases: fakeUseCases(useCases), sealer });
  app.use(connectHandler({ ...createTestWorld(), ...openDoor, procedures }));
  const server = createServer({ ...issued, ca: callers.cert, requestCert: true, rejectUnauthorized: false }, app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `https://localhost:${(server.address() as AddressInfo).port}`, names };
}

test.each(doors)("TLS of an authority of one's own, with a certificate and without one, by %s", async (door) => {
  const { address, names } = await openTls(door);
  const withCertificate = openClient({ address, tls, credentials });
  expect((await withCertificate.getToken({ platform: "github" })).source).toBe("service");
  expect(names).toEqual(["DNS:dashboard.internal"]);
  if (door === "connect") {
    expect((await openClient({ address, tls }).getToken({ platform: "github" })).source).toBe("service");
  }
  const strangers = createAuthority("strangers");
  for (const other of [{ ca: strangers.cert }, {}]) {
    const client = openClient({ address, tls: other, timeoutMs: 5_000 });
    await expect(client.getToken({ platform: "github" })).rejects.toMatchObject({ reason: "SERVICE_UNREACHABLE" });
  }
});

test("a proxy of the environment is not asked for loopback", async () => {
  for (const name of ["http_proxy", "https_proxy", "grpc_proxy"]) vi.stubEnv(name, "http://127.0.0.1:9");
  const { address } = await openDoors({ getToken: async () => issue() });
  const client = openClient({ address: address("grpc") });
  expect((await client.getToken({ platform: "github" })).source).toBe("service");
});

test("a connection whose other end is gone without a word is left within the time of one call", async () => {
  const { port } = await openDoors({ getToken: async () => issue() });
  const pairs: Socket[][] = [];
  const line = createLine((client) => {
    const pair = [client, connect(port.grpc, "127.0.0.1")] as const;
    pairs.push([...pair]);
    for (const [n, socket] of pair.entries()) socket.on("error", () => undefined).pipe(pair[1 - n] ?? socket);
  });
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    line.close();
    for (const socket of pairs.flat()) socket.destroy();
  });
  const { port: linePort } = line.address() as AddressInfo;
  const client = openClient({ address: `127.0.0.1:${linePort}`, timeoutMs: 30_000 });
  await client.getToken({ platform: "github" });
  for (const socket of pairs.flat()) socket.unpipe().pause();
  expect((await client.getToken({ platform: "slack" })).source).toBe("service");
  expect(pairs).toHaveLength(2);
});
