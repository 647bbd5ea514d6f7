import { join } from "node:path";
import { createBrowser } from "../rig/browser.ts";
import { freePort } from "../rig/free-port.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../sandbox/sandbox.ts";
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
}

const main = join(import.meta.dirname, "..", "src", "main.ts");
const emptyMethods = join(import.meta.dirname, "processes", "empty-methods.ts");

/** Starts the service and waits until it serves. */
export async function startService(closers: Closers, options: ServiceOptions): Promise<Service> {
  const port = await freePort();
  const baseUrl = `http://localhost:${port}`;
  const preload = options.withEmptyMethods === true ? ["--expose-gc", "--import", emptyMethods] : [];
  const program = startProgram({
    core: options.core,
    script: main,
    nodeOptions: ["--disable-sigusr1", ...preload, ...(options.nodeOptions ?? [])],
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
  const ready = preload.length === 0 ? undefined : program.line("bench.empty_methods");
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
