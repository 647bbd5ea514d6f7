import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startChildService } from "../../../rig/child-service.ts";
import { freePorts } from "../../../rig/free-port.ts";
import { createApiKey, hashOfApiKey } from "../../../src/callers/api-key.ts";

/** What is photographed: the demo, and a service as on a public address, with callers and without a platform. */
export interface Stage {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly productUrl: string;
  /** Whether this is a page of the sandbox's platforms. */
  readonly isPlatform: (url: URL) => boolean;
  readonly strict: { readonly publicUrl: string; readonly internalUrl: string; readonly apiKey: string };
  close(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), "oauth-token-service-screenshots-"));
  const base = await freePorts(8);
  const demo = await startDemo(base);
  const key = createApiKey(randomBytes).key.reveal();
  const callers = join(directory, "callers.yaml");
  await writeFile(callers, callerFile(hashOfApiKey(key).toString("hex")));
  const strict = await startChildService({
    BASE_URL: "http://localhost",
    DATA_DIR: join(directory, "data"),
    AUTH_CONFIG: callers,
    INSTALL_MODE: "link",
    INSTALL_PAGE_URL: "https://portal.example.com/connect",
  });
  return {
    publicUrl: `http://localhost:${base + 4}`,
    internalUrl: `http://localhost:${base + 5}`,
    productUrl: `http://localhost:${base + 7}`,
    isPlatform: ({ port }) => Number(port) >= base && Number(port) < base + 4,
    strict: { publicUrl: strict.publicUrl, internalUrl: strict.internalUrl, apiKey: key },
    async close() {
      demo.kill("SIGTERM");
      await Promise.all([once(demo, "close"), strict.kill("SIGTERM")]);
      await rm(directory, { recursive: true });
    },
  };
}

async function startDemo(base: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["sandbox/demo.ts"], {
    env: { PATH: process.env.PATH ?? "", TMPDIR: tmpdir(), DEMO_PORT_BASE: String(base) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => String(chunk).includes("is ready") && resolve());
    child.once("close", () => reject(new Error("the demo ended before it was ready")));
  });
  return child;
}

function callerFile(hash: string): string {
  return `version: 1
callers:
  - name: night-shift
    match: { api_key: "sha256:${hash}", expires: ${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)} }
    allow: [{ methods: [ListInstallations, GetInstallation, CreateInstallLink], platforms: [github, jira], all_owners: true }]
`;
}
