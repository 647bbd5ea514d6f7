import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { TlsFiles } from "../../src/tls/certificates.ts";
import type { TestCertificate } from "./certificates.ts";

export interface TestTlsFiles {
  readonly files: TlsFiles;
  /** Replaces what is given, as an operator would. */
  write(content: { readonly server?: TestCertificate; readonly clientCa?: string }): Promise<void>;
}

/** Certificates in files, removed after the test. Without `clientCa` there is no such file. */
export async function writeTlsFiles(server: TestCertificate, clientCa?: string): Promise<TestTlsFiles> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-tls-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = (name: string) => join(folder, name);
  const files: TlsFiles = {
    cert: path("cert.pem"),
    key: path("key.pem"),
    clientCa: clientCa === undefined ? undefined : path("client-ca.pem"),
  };
  const write: TestTlsFiles["write"] = async (content) => {
    if (content.server !== undefined) {
      await writeFile(files.cert, content.server.cert);
      await writeFile(files.key, content.server.key);
    }
    if (content.clientCa !== undefined) await writeFile(path("client-ca.pem"), content.clientCa);
  };
  await write({ server, ...(clientCa === undefined ? {} : { clientCa }) });
  return { files, write };
}
