import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createApiKey, hashOfApiKey } from "../../src/callers/api-key.ts";
import { createAuthority, type TestCertificate } from "../support/certificates.ts";
import { startService, type TestService } from "../support/service.ts";

const servers = createAuthority("servers");
const clients = createAuthority("clients");
const strangers = createAuthority("strangers");
const name = "URI:spiffe://example.test/ns/ci/sa/indexer";
const key = createApiKey(randomBytes).key.reveal();
const path = "/oauth.token.v1.TokenService/ListInstallations";
const asIs = (bytes: Buffer) => bytes;

let folder: string;
let service: TestService;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mutual-tls-"));
  const file = (of: string) => join(folder, of);
  const server = servers.issue(["DNS:localhost"]);
  await writeFile(file("cert.pem"), server.cert);
  await writeFile(file("key.pem"), server.key);
  await writeFile(file("ca.pem"), clients.cert);
  const hash = hashOfApiKey(key).toString("hex");
  await writeFile(
    file("callers.yaml"),
    `version: 1
callers:
  - name: indexer
    match: { mtls_san: "${name.slice("URI:".length)}" }
    allow: [{ methods: [ListInstallations], platforms: [slack], all_owners: true }]
  - name: ci
    match: { api_key: "sha256:${hash}" }
    allow: [{ methods: [ListInstallations], platforms: [slack], all_owners: true }]
`,
  );
  service = await startService({
    env: {
      TLS_CERT_FILE: file("cert.pem"),
      TLS_KEY_FILE: file("key.pem"),
      TLS_CLIENT_CA_FILE: file("ca.pem"),
      AUTH_CONFIG: file("callers.yaml"),
    },
    readFile: (of) => readFileSync(of, "utf8"),
  });
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

/** What gRPC says: `OK`, or the refusal. */
async function overGrpc(certificate?: TestCertificate, apiKey?: string): Promise<string> {
  const own = certificate === undefined ? [] : [Buffer.from(certificate.key), Buffer.from(certificate.cert)];
  const channel = credentials.createSsl(Buffer.from(servers.cert), ...own);
  const client = new Client(`localhost:${service.replicas[0]!.app.ports.grpc}`, channel, {
    "grpc.use_local_subchannel_pool": 1,
  });
  const metadata = new Metadata();
  if (apiKey !== undefined) metadata.set("authorization", `Bearer ${apiKey}`);
  try {
    return await new Promise((resolve) =>
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), metadata, (error) =>
        resolve(error === null ? "OK" : String(error.code)),
      ),
    );
  } finally {
    client.close();
  }
}

/** The HTTP status of the REST route, or why there is none. */
function overHttps(certificate?: TestCertificate, apiKey?: string): Promise<number | string> {
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const { internal: port } = service.replicas[0]!.app.ports;
  return new Promise((resolve) => {
    const options = { host: "localhost", port, path: "/oauth/installations", ca: servers.cert, agent: false, headers };
    request({ ...options, ...certificate }, (incoming) => {
      incoming.resume().once("end", () => resolve(incoming.statusCode ?? 0));
    })
      .once("error", (error) => resolve(error.message))
      .end();
  });
}

const unauthenticated = "16";

test.each([
  ["its certificate", clients.issue([name]), undefined],
  ["its API key and no certificate", undefined, key],
  ["its API key and a certificate that names nobody", clients.issue(["DNS:other.example"]), key],
])("on one port, a caller is known by %s", async (_what, certificate, apiKey) => {
  expect(await overGrpc(certificate, apiKey)).toBe("OK");
  expect(await overHttps(certificate, apiKey)).toBe(200);
});

test.each([
  ["no certificate", undefined, undefined],
  ["another name", clients.issue(["URI:spiffe://example.test/ns/ci/sa/indexer-evil"]), undefined],
  ["its name as another kind", clients.issue(["DNS:spiffe://example.test/ns/ci/sa/indexer"]), undefined],
  ["no name", clients.issue([]), undefined],
  ["its name by another authority", strangers.issue([name]), undefined],
  ["its certificate, once it has ended", clients.issue([name], { to: new Date(Date.now() - 60_000) }), undefined],
  ["its certificate and a bad API key, which alone counts", clients.issue([name]), `${key}x`],
])("nobody is known by %s", async (_what, certificate, apiKey) => {
  expect(await overGrpc(certificate, apiKey)).toBe(unauthenticated);
  expect(await overHttps(certificate, apiKey)).toBe(401);
});
