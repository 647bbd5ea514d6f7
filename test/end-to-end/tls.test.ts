import { readFileSync } from "node:fs";
import { request } from "node:https";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createAuthority } from "../support/certificates.ts";
import { startService } from "../support/service.ts";
import { writeTlsFiles } from "../support/tls-files.ts";

const authority = createAuthority();
const path = "/oauth.token.v1.TokenService/ListInstallations";
const asIs = (bytes: Buffer) => bytes;

function grpcClient(port: number, ca: string) {
  const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(ca)), {
    "grpc.use_local_subchannel_pool": 1,
  });
  onTestFinished(() => client.close());
  return () =>
    new Promise<string>((resolve) =>
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), (error) => resolve(error?.details ?? "OK")),
    );
}

function ask(port: number, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: "localhost", port, path: "/oauth/installations", ca, agent: false }, (incoming) => {
      incoming.resume().once("end", () => resolve(incoming.statusCode ?? 0));
    })
      .once("error", reject)
      .end();
  });
}

test("certificates of another authority come into use under load, and no call notices", async () => {
  const { files, write } = await writeTlsFiles(authority.issue(["DNS:localhost"]));
  const service = await startService({
    env: { TLS_CERT_FILE: files.cert, TLS_KEY_FILE: files.key },
    readFile: (name) => readFileSync(name, "utf8"),
  });
  onTestFinished(() => service.close());
  const [replica] = service.replicas;
  const { ports } = replica!.app;
  const call = grpcClient(ports.grpc, authority.cert);
  expect([await call(), await ask(ports.internal, authority.cert)]).toEqual(["OK", 200]);

  let replaced = false;
  const load = Array.from({ length: 8 }, async () => {
    const outcomes: string[] = [];
    // Some before the change, some while it happens, some after it.
    for (let after = 0; after < 20; after += replaced ? 1 : 0) outcomes.push(await call());
    return outcomes;
  });
  const next = createAuthority("next");
  await write({ server: next.issue(["DNS:localhost"]) });
  await replica!.jobs.run("reload certificates");
  replaced = true;
  expect(new Set((await Promise.all(load)).flat())).toEqual(new Set(["OK"]));

  expect([await grpcClient(ports.grpc, next.cert)(), await ask(ports.internal, next.cert)]).toEqual(["OK", 200]);
  await expect(ask(ports.internal, authority.cert)).rejects.toThrow("unable to verify");
  expect(replica!.jobs.intervals.get("reload certificates")).toBe(2);
});
