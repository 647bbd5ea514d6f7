import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createBrowser } from "../rig/browser.ts";
import { freePort } from "../rig/free-port.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../sandbox/sandbox.ts";
import { build } from "../scripts/build/build.ts";
import type { Closers } from "../src/closers.ts";
import { type Program, startProgram } from "./program.ts";

/** The service in a process of its own, as `npm start` runs it. */
export interface Service extends Program {
  readonly baseUrl: string;
  /** `host:port` for gRPC clients. */
  readonly grpcAddress: string;
  readonly internalPort: number;
  /** The same kind of internal listener with an empty handler; 0 where that was not asked for. */
  readonly emptyConnectPort: number;
}

export interface ServiceOptions {
  readonly core: number | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Adds empty methods to the process, for comparison, and lets it say how much memory it holds. */
  readonly withEmptyMethods?: boolean;
  readonly nodeOptions?: readonly string[];
  /** Runs the sources instead of what is built of them. */
  readonly ofSources?: boolean;
}

const root = join(import.meta.dirname, "..");
/** What is built of the sources for one run of the benchmark; git ignores it. */
const built = join(root, ".dist.bench");

/** The programs that are measured. */
export const programs = {
  /** What `npm start` runs. */
  service: join(built, "main.js"),
  /** The same with empty methods beside its own. */
  withEmptyMethods: join(built, "with-empty-methods.js"),
  /** What the operator's commands run. */
  command: join(built, "oauth-token-service.js"),
  /** The sources, as the tests run them. */
  sources: join(root, "src", "main.ts"),
};

/** Builds the service as `npm run build` does, with what is compared in the same modules. */
export async function buildService(closers: Closers): Promise<void> {
  closers.add("built service", () => rm(built, { recursive: true, force: true }));
  await build(built, { "with-empty-methods": "bench/processes/with-empty-methods.ts" });
}

/** Starts the service and waits until it serves. */
export async function startService(closers: Closers, options: ServiceOptions): Promise<Service> {
  const port = await freePort();
  const baseUrl = `http://localhost:${port}`;
  const measured = options.withEmptyMethods === true;
  const script = measured
    ? programs.withEmptyMethods
    : options.ofSources === true
      ? programs.sources
      : programs.service;
  const program = startProgram({
    core: options.core,
    script,
    nodeOptions: ["--disable-sigusr1", ...(measured ? ["--expose-gc"] : []), ...(options.nodeOptions ?? [])],
    env: {
      BASE_URL: baseUrl,
      PORT: String(port),
      INTERNAL_PORT: "0",
      GRPC_PORT: "0",
      DRAIN_SECONDS: "1",
      ...options.env,
    },
  });
  closers.add("service", () => program.stop());
  const ready = measured ? program.line("bench.empty_methods") : undefined;
  // Whoever waits for the service is told of its end below.
  ready?.catch(() => undefined);
  const { ports } = await program.line("service.started");
  const portOf = (name: string) => Number(new Map(Object.entries(Object(ports))).get(name));
  return {
    ...program,
    baseUrl,
    grpcAddress: `127.0.0.1:${portOf("grpc")}`,
    internalPort: portOf("internal"),
    emptyConnectPort: Number((await ready)?.port ?? 0),
  };
}

/** Platforms whose consent pages approve by themselves. */
export async function startPlatforms(closers: Closers, options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ autoApprove: true, ...options });
  closers.add("sandbox", () => sandbox.close());
  return sandbox;
}

/** Connects a platform as a person would, through a browser. Returns the installation's id. */
export async function connect(service: Service, sandbox: Sandbox, platform: string, owner?: string): Promise<string> {
  sandbox.useBaseUrl(service.baseUrl);
  const query = owner === undefined ? "" : `?${new URLSearchParams({ owner })}`;
  const url = `${service.baseUrl}/oauth/install/${platform}${query}`;
  const { text, status } = await createBrowser().visit(url, { accept: "application/json" });
  const { installation_id: id } = JSON.parse(text);
  if (typeof id !== "string") throw new Error(`${platform} was not connected: ${status} ${text.slice(0, 200)}`);
  return id;
}
