import { join } from "node:path";
import type { Closers } from "../../src/closers.ts";
import { startProgram } from "../program.ts";

/** What the bare servers say to everybody. */
export interface BareAnswers {
  readonly grpc: Buffer;
  readonly http: Buffer;
}

/** Servers without a service behind them. */
export interface BareServers {
  readonly pid: number;
  /** grpc-js, at the path of GetToken. */
  readonly grpcAddress: string;
  /** node:http, at every path. */
  readonly httpAddress: string;
  /** Express with a route `/ok` that says ok. */
  readonly expressAddress: string;
}

/** Starts them in a process of their own, to be pinned to the core of the service they stand beside. */
export async function startBareServers(
  core: number | undefined,
  closers: Closers,
  answers: BareAnswers,
): Promise<BareServers> {
  const script = join(import.meta.dirname, "..", "processes", "bare-servers.ts");
  const program = startProgram({ core, script, answers: true });
  closers.add("bare servers", () => program.stop());
  const ports: unknown = await program.ask(answers);
  if (!isPorts(ports)) throw new Error(`the bare servers failed: ${JSON.stringify(ports)}`);
  const { grpcPort, httpPort, expressPort } = ports;
  return {
    pid: program.pid,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    httpAddress: `127.0.0.1:${httpPort}`,
    expressAddress: `127.0.0.1:${expressPort}`,
  };
}

interface Ports {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly expressPort: number;
}

function isPorts(value: unknown): value is Ports {
  return typeof value === "object" && value !== null && "grpcPort" in value;
}
