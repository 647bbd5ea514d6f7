import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { defaultSites } from "./atlassian/people.ts";
import { DemoSettingError, demoPortCount, readDemoSettings } from "./demo-settings.ts";
import { intention, nextStep } from "./demo-text.ts";
import { type Product, startProduct } from "./product/product.ts";
import { type Sandbox, startSandbox } from "./sandbox.ts";

// Everything on one machine: sandbox platforms, a product that connects there, the embedded database, and the service as
// a process of its own.

const startedAt = performance.now();
const settings = orEnd(() => readDemoSettings(process.env));
const { ports, baseUrl, autoApprove } = settings;
const kept = settings.dataDir !== undefined;
const directory = resolve(settings.dataDir ?? mkdtempSync(join(tmpdir(), "oauth-token-service-demo-")));
const demo = { ...settings, directory, kept };
process.stdout.write(intention(demo));

let service: ChildProcess | undefined;
let asked = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    asked = true;
    // A second signal passes through too: the service then ends at once.
    service?.kill("SIGTERM");
  });
}

let sandbox: Sandbox;
let product: Product;
try {
  sandbox = await startSandbox({
    portBase: ports.sandbox,
    baseUrl,
    autoApprove,
    // One site, so that a platform's name alone says which installation is meant.
    atlassian: { sites: defaultSites.slice(0, 1) },
  });
  product = await startProduct({
    port: ports.product,
    baseUrl,
    internalUrl: `http://localhost:${ports.internal}`,
  });
} catch (error) {
  removeData();
  fail(portInUse(error) ?? "the sandbox did not start", error);
}
service = startService(sandbox);
if (asked) service.kill("SIGTERM");

function startService(platforms: Sandbox): ChildProcess {
  const child = spawn(process.execPath, ["--disable-sigusr1", "src/main.ts"], {
    cwd: join(import.meta.dirname, ".."),
    // A group of its own: Ctrl-C reaches the demo alone, which ends the service in order.
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...settings.inherited,
      ...platforms.environment,
      BASE_URL: baseUrl,
      ALLOWED_RETURN_ORIGINS: [
        settings.inherited.ALLOWED_RETURN_ORIGINS ?? new URL(baseUrl).origin,
        product.url,
      ].join(),
      DATA_DIR: directory,
      PORT: String(ports.public),
      INTERNAL_PORT: String(ports.internal),
      GRPC_PORT: String(ports.grpc),
    },
  });
  let failure: string | undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    process.stdout.write(`${line}\n`);
    if (line.includes('"event":"service.started"')) {
      process.stdout.write(nextStep(demo, platforms, performance.now() - startedAt));
    } else if (line.includes('"event":"service.start_failed"')) {
      failure = messageOf(line);
    }
  });
  child.once("close", async (code, signal) => {
    await Promise.all([platforms.close(), product.close()]);
    removeData();
    if (code === 0 || asked) process.exit(code ?? 1);
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    fail(`the service ended ${how}${failure === undefined ? "" : `: ${failure}`}`, undefined, code ?? 1);
  });
  return child;
}

function removeData(): void {
  if (!kept) rmSync(directory, { recursive: true, force: true });
}

function orEnd<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DemoSettingError) fail(error.message);
    throw error;
  }
}

function messageOf(line: string): string {
  const { message }: { readonly message?: unknown } = JSON.parse(line);
  return typeof message === "string" ? message : "it did not say why";
}

function portInUse(error: unknown): string | undefined {
  const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE" && "port" in error;
  return inUse
    ? `port ${error.port} is in use: end what uses it, or set DEMO_PORT_BASE to the first of ${demoPortCount} free ports`
    : undefined;
}

function fail(message: string, cause?: unknown, code = 1): never {
  process.stderr.write(`demo: ${message}\n`);
  if (cause instanceof Error && portInUse(cause) === undefined) process.stderr.write(`${cause.stack}\n`);
  process.exit(code);
}
