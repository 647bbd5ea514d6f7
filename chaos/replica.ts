import { fileURLToPath } from "node:url";
import { type ChildService, type Environment, type Exit, startChildService } from "../rig/child-service.ts";
import type { PlatformWay } from "./platform-way.ts";

/** One replica: a process that comes and goes behind addresses that stay. */
export interface Replica {
  readonly grpcPort: number;
  readonly publicPort: number;
  readonly ways: readonly PlatformWay[];
  /** The process that serves now. */
  readonly process: ChildService | undefined;
  /** Whether a refresh of it is under way. */
  isRefreshing(): boolean;
  start(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** SIGTERM. */
  stop(): Promise<Exit>;
}

const naming = fileURLToPath(new URL("./named-replica.ts", import.meta.url));

export interface ReplicaOptions {
  /** What the ways to the platforms know it by. */
  readonly name: string;
  readonly ports: { readonly grpc: number; readonly public: number };
  readonly ways: readonly PlatformWay[];
  readonly env: Environment;
}

export function createReplica({ name, ports, ways, env }: ReplicaOptions): Replica {
  let current: ChildService | undefined;
  const running = (): ChildService => {
    if (current === undefined) throw new Error("the replica does not run");
    return current;
  };

  return {
    grpcPort: ports.grpc,
    publicPort: ports.public,
    ways,
    get process() {
      return current;
    },
    isRefreshing: () => current !== undefined && ways.some((way) => way.busy > 0),
    async start() {
      const own = { REPLICA_NAME: name, PORT: String(ports.public), GRPC_PORT: String(ports.grpc) };
      current = await startChildService({ ...env, ...own }, [naming]);
    },
    async kill() {
      const killed = running();
      current = undefined;
      await killed.kill("SIGKILL");
    },
    async stop() {
      const stopped = running();
      current = undefined;
      return stopped.kill("SIGTERM");
    },
  };
}
